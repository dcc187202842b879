#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/config/choice.hpp"
#include "src/config/field.hpp"

namespace otfleet {

/// Everything there is to know about a key of the job file.
struct Key {
  std::string path;                        ///< "solver.threshold"
  Field field;                             ///< in the options that the list was made for
  std::function<std::string()> complaint;  ///< what the value must be, or empty: it is good
  std::string doc;
};

/// The keys of some options, bound to one object that holds them: reading, overrides, suggestions
/// and reports go through it and know no section. A section offers a function
///   void add_keys(KeyList& keys, SolverOptions& solver);
/// beside its struct, which adds a key for every member. The options must outlive the list.
class KeyList {
 public:
  /// A key of the open section, with a check of checks.hpp.
  template <class Value, class Check>
  void add(const std::string& name, Value& value, Check check, std::string doc) {
    add_key(
        name, field_of(value), [&value, check] { return std::string(check(value)); },
        std::move(doc));
  }

  /// An enum: its words are the check.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void add(const std::string& name, Enum& value, std::string doc) {
    add_key(
        name, field_of(value), [] { return std::string(); }, std::move(doc));
  }

  /// A list of an enum's values, which may be empty.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void add(const std::string& name, std::vector<Enum>& values, std::string doc) {
    add(
        name, values, [](const auto&) { return ""; }, std::move(doc));
  }

  /// What its own words stand for.
  void add(const std::string& name, ChoiceField field, std::string doc) {
    add_key(
        name, std::move(field), [] { return std::string(); }, std::move(doc));
  }
  void add(const std::string& name, ChoicesField field, std::string doc) {
    add_key(
        name, std::move(field), [] { return std::string(); }, std::move(doc));
  }

  /// Opens a section of its own for some options, inside the one that is open.
  template <class Options>
  void add_section(const std::string& name, Options& options) {
    const std::string outer = prefix_;
    prefix_ += name + ".";
    add_keys(*this, options);
    prefix_ = outer;
  }

  auto begin() const { return keys_.begin(); }
  auto end() const { return keys_.end(); }

  /// The key of that path; null: there is none.
  const Key* find(const std::string& path) const;

 private:
  template <class Value>
  static Field field_of(Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      const auto write = [&value](const std::string& word) {
        const auto found = value_of<Value>(word);
        if (found) value = *found;
        return found.has_value();
      };
      return ChoiceField{words_of<Value>(), [&value] { return word_of(value); }, write};
    } else {
      return &value;
    }
  }

  template <class Enum>
  requires std::is_enum_v<Enum>
  static Field field_of(std::vector<Enum>& values) {
    const auto read = [&values] {
      Names words;
      for (const Enum value : values) words.push_back(word_of(value));
      return words;
    };
    const auto write = [&values](const Names& words) {
      values.clear();
      for (const auto& word : words) values.push_back(*value_of<Enum>(word));
    };
    return ChoicesField{words_of<Enum>(), read, write};
  }

  void add_key(const std::string& name, Field field, std::function<std::string()> complaint,
               std::string doc);

  std::vector<Key> keys_;
  std::string prefix_;
};

/// Every value under its path, as nested objects. Local.
nlohmann::json values_json(const KeyList& keys);

/// A line for every key: path, value as JSON, meaning. Local.
std::string describe(const KeyList& keys);

}  // namespace otfleet

#include "src/config/key_reader.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <type_traits>

#include "distributed/error.hpp"
#include "src/config/checks.hpp"
#include "src/config/nearest_name.hpp"
#include "src/config/override_value.hpp"

namespace otfleet {
namespace {

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a float";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

/// The value as TOML on one short line, for messages.
std::string shown(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& concrete) { text << concrete; });
  std::string line = text.str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  if (line.size() > 60) line = line.substr(0, 57) + "...";
  return line;
}

bool take(const toml::node& node, std::int64_t& value) {
  constexpr double exact = 9007199254740992;  // 2^53: up to it every whole number is a double
  if (const auto* number = node.as_floating_point();  // 1e5
      number != nullptr && std::abs(number->get()) <= exact &&
      number->get() == std::floor(number->get())) {
    value = static_cast<std::int64_t>(number->get());
    return true;
  }
  if (!node.is_integer()) return false;
  value = node.as_integer()->get();
  return true;
}

bool take(const toml::node& node, double& value) {
  if (node.is_integer()) {
    value = static_cast<double>(node.as_integer()->get());
    return true;
  }
  if (!node.is_floating_point()) return false;
  value = node.as_floating_point()->get();
  return true;
}

bool take(const toml::node& node, std::string& value) {
  if (!node.is_string()) return false;
  value = node.as_string()->get();
  return true;
}

template <class Element>
bool take(const toml::node& node, std::vector<Element>& values) {
  if (!node.is_array()) return false;
  std::vector<Element> taken;
  for (const auto& element : *node.as_array()) {
    if (!take(element, taken.emplace_back())) return false;
  }
  values = std::move(taken);
  return true;
}

const char* wanted(const std::int64_t*) {
  return "an integer";
}
const char* wanted(const double*) {
  return "a number";
}
const char* wanted(const bool*) {
  return "true or false";
}
const char* wanted(const std::string*) {
  return "a string";
}
const char* wanted(const Path*) {
  return "a string, the path of a file";
}
const char* wanted(const Integers*) {
  return "an array of integers";
}
const char* wanted(const Numbers*) {
  return "an array of numbers";
}
const char* wanted(const Names*) {
  return "an array of strings";
}

/// Where values come from: the words a message begins with, and what paths are relative to.
struct Origin {
  std::string name;
  Path folder;
  bool override = false;

  [[noreturn]] void fail(const std::string& text) const {
    std::string line = name + ": " + text;
    std::replace(line.begin(), line.end(), '\n', ' ');  // an override may hold a line break
    throw UserError(line);
  }
};

/// Gives keys their values, from a file and from overrides.
class Reader {
 public:
  explicit Reader(const KeyList& keys) : keys_(keys) {
    for (const auto& key : keys)
      for (auto dot = key.path.find('.'); dot != std::string::npos;
           dot = key.path.find('.', dot + 1))
        sections_.insert(key.path.substr(0, dot));
  }

  /// Takes the value of one key, or of every key in a table.
  void apply(const std::string& path, const toml::node& node, const Origin& origin) {
    if (const Key* key = keys_.find(path)) {
      assign(*key, node, origin);
    } else if (!path.empty() && !sections_.contains(path)) {
      fail_unknown(path, origin);
    } else if (const Key* kind = keys_.find(path + ".kind"); kind && !node.is_table()) {
      assign(*kind, node, origin);
    } else if (const auto* table = node.as_table()) {
      for (const auto& [name, child] : *table) {
        const std::string part{name.str()};
        apply(path.empty() ? part : path + "." + part, child, origin);
      }
    } else {
      origin.fail(fmt::format(
          "{} must be a table, not {}{}", path, type_name(node),
          keys_.find(path + ".file") ? "; write " + path + " = { file = \"NAME\" }" : ""));
    }
  }

  void apply_override(const std::string& text) {
    const Origin origin{"--set " + text, {}, true};
    const auto equals = text.find('=');
    const std::string path = detail::trimmed(text.substr(0, equals));
    if (equals == std::string::npos || path.empty()) {
      origin.fail("must have the form key.path=value");
    }
    const Key* key = keys_.find(path);
    if (key == nullptr) key = keys_.find(path + ".kind");
    std::optional<Field> field;
    if (key != nullptr) field = key->field;
    const toml::table table =
        detail::parse_override(detail::trimmed(text.substr(equals + 1)), field);
    apply(path, *table.get("value"), origin);
  }

  std::set<std::string> take_given() { return std::move(given_); }

 private:
  void assign(const Key& key, const toml::node& node, const Origin& origin) {
    const auto fail = [&](const std::string& text) {
      origin.fail(origin.override ? text : fmt::format("{} = {}: {}", key.path, shown(node), text));
    };
    const auto fail_type = [&](const char* type) {
      fail(fmt::format("must be {}, not {}", type, type_name(node)));
    };
    // Of an array the type alone does not say what is wrong with its elements.
    const auto fail_list = [&](const char* type) {
      if (node.is_array()) fail(fmt::format("must be {}", type));
      fail_type(type);
    };
    std::visit(
        [&](const auto& field) {
          using Type = std::decay_t<decltype(field)>;
          if constexpr (std::is_same_v<Type, ChoiceField>) {
            std::string word;
            if (!take(node, word)) fail_type("a string");
            if (!field.write(word)) fail(checks::one_of(field.words)(word));
          } else if constexpr (std::is_same_v<Type, ChoicesField>) {
            Names words;
            if (!take(node, words)) fail_list("an array of strings");
            const auto check = checks::none_or_every(checks::one_of(field.words));
            if (const auto wrong = check(words); !wrong.empty()) fail(wrong);
            field.write(words);
          } else if constexpr (std::is_same_v<Type, bool*>) {
            if (!node.is_boolean()) fail_type(wanted(field));
            *field = node.as_boolean()->get();
          } else if constexpr (std::is_same_v<Type, Path*>) {
            if (!node.is_string()) fail_type(wanted(field));
            const Path path = node.as_string()->get();
            *field = path.empty() ? path : (origin.folder / path).lexically_normal();
          } else if constexpr (std::is_same_v<Type, Integers*> || std::is_same_v<Type, Numbers*> ||
                               std::is_same_v<Type, Names*>) {
            if (!take(node, *field)) fail_list(wanted(field));
          } else {
            if (!take(node, *field)) fail_type(wanted(field));
          }
        },
        key.field);
    given_.insert(key.path);
    if (const auto complaint = key.complaint(); !complaint.empty()) fail(complaint);
  }

  [[noreturn]] void fail_unknown(const std::string& path, const Origin& origin) const {
    std::vector<std::string> candidates(sections_.begin(), sections_.end());
    for (const auto& key : keys_) candidates.push_back(key.path);
    const auto near = nearest_name(path, candidates);
    origin.fail(fmt::format("unknown key '{}'", path) +
                (near.empty() ? "; 'otfleet --keys' lists all"
                              : fmt::format("; did you mean '{}'?", near)));
  }

  const KeyList& keys_;
  std::set<std::string> sections_;  ///< every table there is: "data", "data.train"
  std::set<std::string> given_;
};

toml::table parse(const JobText& job) {
  try {
    return toml::parse(job.text);
  } catch (const toml::parse_error& parse_error) {
    std::string description{parse_error.description()};
    std::replace(description.begin(), description.end(), '\n', ' ');
    throw UserError(
        fmt::format("{}:{}: {}", job.file.string(), parse_error.source().begin.line, description));
  }
}

}  // namespace

JobText read_job_text(const Path& file) {
  std::error_code error;
  std::ifstream stream(file);
  if (std::filesystem::is_directory(file, error) || !stream) {
    throw UserError(fmt::format("{}: {}", file.string(),
                                std::filesystem::exists(file, error)
                                    ? "cannot be read as a job file"

                                    : "no such job file; 'otfleet init' writes one to begin with"));
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return {file, text.str()};
}

std::set<std::string> read_keys(const KeyList& keys, const JobText& job,
                                const std::vector<std::string>& overrides) {
  Reader reader(keys);
  reader.apply("", parse(job), {job.file.string(), job.file.parent_path(), false});
  for (const auto& text : overrides) reader.apply_override(text);
  return reader.take_given();
}

}  // namespace otfleet

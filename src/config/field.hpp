#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

namespace otfleet {

using Path = std::filesystem::path;
using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;
using Names = std::vector<std::string>;

/// An enum of a job, by its words (see Choices).
struct ChoiceField {
  std::vector<std::string> words;
  std::function<std::string()> read;
  std::function<bool(const std::string& word)> write;  ///< false: no value has that word
};

/// A list of an enum's values, by their words.
struct ChoicesField {
  std::vector<std::string> words;
  std::function<Names()> read;
  std::function<void(const Names& values)> write;  ///< each one of `words`
};

/// Where the value of a key is: a member of a job.
using Field = std::variant<std::int64_t*, double*, bool*, std::string*, Path*, Integers*, Numbers*,
                           Names*, ChoiceField, ChoicesField>;

/// The value as JSON; an enum as its word. Local.
nlohmann::json to_json(const Field& field);

/// The value as messages show it: a word or path itself, a number as short as it can be, anything
/// else as JSON. Local.
std::string to_text(const Field& field);

}  // namespace otfleet

#pragma once
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

// What a report says, where it says it: a damaged or older report has less, or something else.

namespace otfleet::page {

/// The value under a path of names; null where there is none.
inline const nlohmann::json& at(const nlohmann::json& json,
                                std::initializer_list<const char*> path) {
  static const nlohmann::json nothing;
  const nlohmann::json* here = &json;
  for (const char* name : path) {
    if (!here->is_object() || !here->contains(name)) return nothing;
    here = &here->at(name);
  }
  return *here;
}

inline std::optional<double> number_at(const nlohmann::json& json,
                                       std::initializer_list<const char*> path) {
  const auto& value = at(json, path);
  return value.is_number() ? std::optional<double>(value.get<double>()) : std::nullopt;
}

inline std::optional<std::int64_t> count_at(const nlohmann::json& json,
                                            std::initializer_list<const char*> path) {
  const auto& value = at(json, path);
  return value.is_number_integer() ? std::optional<std::int64_t>(value.get<std::int64_t>())
                                   : std::nullopt;
}

/// Empty where there is none.
inline std::string text_at(const nlohmann::json& json, std::initializer_list<const char*> path) {
  const auto& value = at(json, path);
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace otfleet::page

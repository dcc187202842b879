#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// Checks of a key's value: what it must be, to follow "key = value: ", or an empty string where it
// is good. All local.

namespace otfleet::checks {

constexpr std::int64_t most = 1'000'000'000;  ///< of anything that jobs count

/// Any value of the right type.
constexpr auto anything = [](const auto&) { return std::string(); };

/// A whole number in [low, high].
std::function<std::string(std::int64_t)> integer(std::int64_t low, std::int64_t high = most);

std::string above_zero(double value);
std::string zero_or_more(double value);
std::string at_least_one(double value);
/// In [0, 1], in [0, 1), and in (0, 1].
std::string share_or_none(double value);
std::string share_below_one(double value);
std::string share(double value);

/// One of some names.
std::function<std::string(const std::string&)> one_of(std::vector<std::string> names);

constexpr auto not_empty = [](const auto& values) -> std::string {
  return values.empty() ? "must not be empty" : "";
};

/// A list that is not empty, every value of which passes `check`.
template <class Check>
auto every(Check check) {
  return [=](const auto& values) -> std::string {
    if (values.empty()) return "must not be empty";
    for (const auto& value : values) {
      if (const auto wrong = check(value); !wrong.empty()) return "every value " + wrong;
    }
    return {};
  };
}

/// The same, or an empty list.
template <class Check>
auto none_or_every(Check check) {
  return
      [=](const auto& values) -> std::string { return values.empty() ? "" : every(check)(values); };
}

}  // namespace otfleet::checks

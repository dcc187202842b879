#include "src/config/checks.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "src/config/nearest_name.hpp"

namespace otfleet::checks {
namespace {

/// `complaint` unless the value is finite and `good`.
std::string finite(double value, bool good, const char* complaint) {
  if (std::isnan(value) || std::isinf(value)) return "must be finite";
  return good ? "" : complaint;
}

}  // namespace

std::function<std::string(std::int64_t)> integer(std::int64_t low, std::int64_t high) {
  return [=](std::int64_t value) -> std::string {
    if (value < low) return fmt::format("must be >= {}", low);
    if (value > high) return fmt::format("must be <= {}", high);
    return {};
  };
}

std::string above_zero(double value) {
  return finite(value, value > 0, "must be > 0");
}

std::string zero_or_more(double value) {
  return finite(value, value >= 0, "must be >= 0");
}

std::string at_least_one(double value) {
  return finite(value, value >= 1, "must be >= 1");
}

std::string share_or_none(double value) {
  return value >= 0 && value <= 1 ? "" : "must be in [0, 1]";
}

std::string share_below_one(double value) {
  return value >= 0 && value < 1 ? "" : "must be in [0, 1)";
}

std::string share(double value) {
  return value > 0 && value <= 1 ? "" : "must be in (0, 1]";
}

std::function<std::string(const std::string&)> one_of(std::vector<std::string> names) {
  return [names = std::move(names)](const std::string& value) -> std::string {
    if (std::find(names.begin(), names.end(), value) != names.end()) return {};
    return fmt::format("must be one of '{}'{}", fmt::join(names, "', '"),
                       did_you_mean(value, names));
  };
}

}  // namespace otfleet::checks

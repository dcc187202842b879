#pragma once
#include <cstdio>
#include <stdexcept>
#include <string>

namespace otfleet::kernels {

/// The largest ratio of the costs' range to epsilon that exponents can hold.
inline constexpr double largest_exponent = 1e15;

/// Throws std::invalid_argument unless exp(−range/epsilon) is a number that kernels can tell from
/// its neighbors; `name` begins the message.
inline void check_exponents(const std::string& name, double range, double epsilon) {
  if (range <= largest_exponent * epsilon) return;
  char text[160];
  std::snprintf(text, sizeof text,
                "epsilon = %.3g is too small for costs that differ by %.3g: take %.3g or more",
                epsilon, range, 1.01 * range / largest_exponent);  // not rounded down
  throw std::invalid_argument(name + text);
}

}  // namespace otfleet::kernels

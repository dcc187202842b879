#pragma once
#include <array>
#include <cstdio>
#include <string>

namespace otfleet::kernels {

/// A number for a message, "1e+300" or "0.25": std::to_string() would write all digits of it.
inline std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

}  // namespace otfleet::kernels

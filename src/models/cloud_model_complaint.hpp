#pragma once
#include <spdlog/fmt/fmt.h>

#include <cstdint>
#include <string>

#include "kernels/initializers/spline_basis.hpp"

namespace otfleet {

/// Why clouds of points with so many coordinates have no CloudModel, or empty. Local.
inline std::string cloud_model_complaint(std::int64_t coordinates) {
  if (coordinates >= 1 && coordinates <= kernels::most_spline_dimension) return {};
  return fmt::format("needs points of 1 to {} dimensions; this population has {}",
                     kernels::most_spline_dimension, coordinates);
}

}  // namespace otfleet

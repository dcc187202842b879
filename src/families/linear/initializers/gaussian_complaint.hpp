#pragma once
#include <spdlog/fmt/fmt.h>

#include <string>

#include "src/populations/population_view.hpp"

namespace otfleet::initializers {

/// Why measures on this geometry have no start from their means and covariances, or empty. Local.
inline std::string gaussian_complaint(const GeometryFacts& geometry) {
  if (!geometry.ground_cost || !with_ground_cost(*geometry.ground_cost, [](const auto& cost) {
        return cost.maps_gaussians;
      }))
    return fmt::format("needs squared Euclidean costs; this population has '{}'",
                       geometry.cost_name());
  const auto dimension = geometry.coordinates;
  if (dimension < 1 || dimension > 3)
    return fmt::format("needs points of one to three dimensions; this population has {}",
                       dimension);
  return {};
}

}  // namespace otfleet::initializers

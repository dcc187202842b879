#pragma once
#include <spdlog/fmt/fmt.h>

#include <string>

#include "src/populations/population_view.hpp"

namespace otfleet::initializers {

/// Why measures on this geometry have no start from their means and covariances, or empty; `most`:
/// coordinates that it takes. Local.
inline std::string gaussian_complaint(const GeometryFacts& geometry, int most) {
  if (!geometry.ground_cost || !with_ground_cost(*geometry.ground_cost, [](const auto& cost) {
        return cost.maps_gaussians;
      }))
    return fmt::format("needs squared Euclidean costs; this population has '{}'",
                       geometry.cost_name());
  const auto dimension = geometry.coordinates;
  if (dimension < 1 || dimension > most)
    return fmt::format("needs points of 1 to {} dimensions; this population has {}", most,
                       dimension);
  return {};
}

}  // namespace otfleet::initializers

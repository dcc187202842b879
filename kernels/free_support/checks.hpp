#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/free_support/free_support.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "kernels/solvers/barycenter/check_sets.hpp"

namespace otfleet::kernels {

/// Throws std::invalid_argument unless problems, epsilon and supports fit together.
template <class ExecutionSpace>
void check_free_supports(const FreeSupportBatch<ExecutionSpace>& problems, double epsilon,
                         const FreeSupports<ExecutionSpace>& supports) {
  if (!(epsilon > 0) || !std::isfinite(epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  if (problems.measures.ground_cost() != GroundCost(SquaredEuclideanCost{}))
    throw std::invalid_argument(
        "barycenters with free support need squared Euclidean costs: their points move to means, "
        "which minimize sums of no other cost");
  check_sets(problems.offsets, problems.index, problems.weight, problems.measures.count());
  const auto batch = static_cast<std::size_t>(problems.size()), n = supports.weights.extent(1);
  if (supports.weights.extent(0) != batch || supports.points.extent(0) != batch * n || n == 0)
    throw std::invalid_argument("barycenters need points, and a weight for each of them");
  if (supports.last.extent(0) != supports.points.extent(0) ||
      supports.last.extent(1) != supports.points.extent(1))
    throw std::invalid_argument("there is not one last place for every point of the barycenters");
  if (supports.points.extent_int(1) != problems.measures.dimension())
    throw std::invalid_argument(
        "points of barycenters have " + std::to_string(supports.points.extent(1)) +
        " coordinates, those of measures " + std::to_string(problems.measures.dimension()));
  if (static_cast<std::int64_t>(supports.f.extent(0)) != problems.potential_offsets().back())
    throw std::invalid_argument("there is not one potential for every point of every measure");
}

}  // namespace otfleet::kernels

#pragma once
#include <variant>

#include "kernels/clouds/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "src/execution.hpp"
#include "src/problems/population.hpp"

namespace otfleet {

/// The kernels' view of a population's cost; every solver of kernels/ is overloaded on both.
using Cost = std::variant<kernels::SeparableCost, kernels::PointCloudCost<ExecutionSpace>>;

/// Throws UserError for points that the cost cannot take (see PointCloudCost). Local.
Cost make_cost(const Geometry& geometry);

}  // namespace otfleet

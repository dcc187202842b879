#pragma once
#include <variant>

#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "src/execution.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// The kernels' view of a population's cost; every solver of kernels/ is overloaded on both.
using Cost = std::variant<kernels::SeparableCost, kernels::PointCloudCost<ExecutionSpace>>;

/// The cost as solvers take it at this epsilon. Entries of a cost matrix that are more than 1e15
/// epsilon above its smallest one become +inf, forbidden: no plan that avoids them has any mass
/// there. Throws UserError for points that the cost cannot take (see PointCloudCost). Local.
Cost make_cost(const Geometry& geometry, double epsilon);

}  // namespace otfleet

#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"

namespace otfleet::kernels {

/// Throws std::invalid_argument unless C is square and C_ij = C_ji: on every axis up to 1e-12 of
/// the range, between the same points on clouds.
void check_symmetric(const SeparableCost& cost);
template <class ExecutionSpace>
void check_symmetric(const PointCloudCost<ExecutionSpace>& cost);

}  // namespace otfleet::kernels

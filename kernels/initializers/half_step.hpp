#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/operators/side.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// As soft_c_transform(), for starts: up to a constant for every problem, and only as exact as
/// `tolerance` asks, a share of the mass. Where the rounding of floats leaves no larger error, they
/// are used: more than twice as fast. Measures of few points are transformed in double, many at a
/// time. Throws std::invalid_argument when sizes do not fit.
template <class ExecutionSpace>
void half_step(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon, double tolerance,
               const Matrix<const double, ExecutionSpace>& from,
               const Matrix<double, ExecutionSpace>& result, Side to);
/// Flat, all points of a measure on one rank.
template <class ExecutionSpace>
void half_step(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
               double epsilon, double tolerance, const Vector<const double, ExecutionSpace>& from,
               const Vector<double, ExecutionSpace>& result, Side to);

}  // namespace otfleet::kernels

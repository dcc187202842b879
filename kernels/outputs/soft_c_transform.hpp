#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/operators/side.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The half-step alone: g_j = epsilon log b_j − epsilon log sum_i exp((f_i − C_ij)/epsilon), with b
/// scaled to the mass of a, and −inf where b_j is zero. With `to` = Side::source the other one, f
/// from g: f_i = epsilon log a_i − epsilon log sum_j exp((g_j − C_ij)/epsilon). f [B, n] as in
/// certify(), g [B, m], both in units of the cost; `from` is that of the other side. Local. Work:
/// one application of the kernel an instance, in double. Throws std::invalid_argument when sizes do
/// not fit.
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const SeparableCost& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& from,
                      const Matrix<double, ExecutionSpace>& result, Side to = Side::target);

/// As the overload for SeparableCost. Work: two passes over the pairs an instance, in double.
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& from,
                      const Matrix<double, ExecutionSpace>& result, Side to = Side::target);
/// f [source_offsets().back()], g [target_offsets().back()].
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      double epsilon, const Vector<const double, ExecutionSpace>& from,
                      const Vector<double, ExecutionSpace>& result, Side to = Side::target);

}  // namespace otfleet::kernels

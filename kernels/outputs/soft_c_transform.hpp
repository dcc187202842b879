#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The half-step alone: g_j = epsilon log b_j − epsilon log sum_i exp((f_i − C_ij)/epsilon), with b
/// scaled to the mass of a, and −inf where b_j is zero. f [B, n] as in certify(), g [B, m], both in
/// units of the cost. Local. Work: one application of the kernel an instance, in double. Throws
/// std::invalid_argument when sizes do not fit.
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const SeparableCost& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g);

/// As the overload for SeparableCost. Work: two passes over the pairs an instance, in double.
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g);
/// f [source_offsets().back()], g [target_offsets().back()].
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      double epsilon, const Vector<const double, ExecutionSpace>& f,
                      const Vector<double, ExecutionSpace>& g);

}  // namespace otfleet::kernels

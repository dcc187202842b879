#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The dual as a function of f alone, what a model is trained on: value [B] = the dual value at (f,
/// g(f)) (certify() says which constant), and gradient [B, n] = a − P1, its derivative with respect
/// to f (envelope theorem; zero where the weight is zero). f [B, n] as in certify(). Local. Work:
/// two applications of the kernel an instance, in double.
template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const SeparableCost& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient);

/// As the overload for SeparableCost. Work: three passes over the pairs an instance, in double.
template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient);
/// f and gradient [source_offsets().back()].
template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
               double epsilon, const Vector<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Vector<double, ExecutionSpace>& gradient);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/solvers/unbalanced/unbalanced.hpp"

namespace otfleet::kernels {

/// The debiased Sinkhorn divergence of B problems and the three transports that it is made of.
///   value [B] = OT(a, b) − OT(a, a)/2 − OT(b, b)/2 + epsilon/2 (mass a − mass b)²
/// with OT the dual values (Feydy et al. 2019; for penalties Séjourné et al. 2019). Where
/// exp(−C/epsilon) is positive definite it is zero for a = b and positive elsewhere.
template <class ExecutionSpace>
struct SinkhornDivergence {
  Vector<double, ExecutionSpace> value;
  UnbalancedSolution<ExecutionSpace> between;
  /// One row for each measure that a problem names, in order; row source_row(k) is problem k's.
  UnbalancedSolution<ExecutionSpace> source, target;
  Vector<int, ExecutionSpace> source_index, target_index;  ///< [rows]: the measure
  Vector<int, ExecutionSpace> source_row, target_row;      ///< [B]
};

/// `source_cost` and `target_cost` are the costs within the source's and the target's points, both
/// symmetric; on a grid all three are one. Needs tau_a = tau_b and no share; balanced problems need
/// masses that agree to 1e-6. A transport of a measure to itself is solved once for all problems
/// that name it. `status` and residuals are those of the three solutions. Throws
/// std::invalid_argument, naming the problem whose masses differ.
template <class Cost, class ExecutionSpace>
SinkhornDivergence<ExecutionSpace> sinkhorn_divergence(const ExecutionSpace& space,
                                                       const Cost& cost, const Cost& source_cost,
                                                       const Cost& target_cost,
                                                       const ProblemBatch<ExecutionSpace>& problems,
                                                       const UnbalancedSettings& settings);

/// Its derivatives with respect to the weights, by_source [B, n] and by_target [B, m], under the
/// conditions of differentiate_by_weights().
template <class Cost, class ExecutionSpace>
void differentiate_divergence_by_weights(const ExecutionSpace& space, const Cost& cost,
                                         const Cost& source_cost, const Cost& target_cost,
                                         const ProblemBatch<ExecutionSpace>& problems,
                                         const UnbalancedSettings& settings,
                                         const SinkhornDivergence<ExecutionSpace>& divergence,
                                         const Matrix<double, ExecutionSpace>& by_source,
                                         const Matrix<double, ExecutionSpace>& by_target);

/// Its derivatives with respect to the points, by_source [B, n · d] and by_target [B, m · d], under
/// the conditions of differentiate_by_positions().
template <class ExecutionSpace>
void differentiate_divergence_by_positions(const ExecutionSpace& space,
                                           const PointCloudCost<ExecutionSpace>& cost,
                                           const PointCloudCost<ExecutionSpace>& source_cost,
                                           const PointCloudCost<ExecutionSpace>& target_cost,
                                           const ProblemBatch<ExecutionSpace>& problems,
                                           const UnbalancedSettings& settings,
                                           const SinkhornDivergence<ExecutionSpace>& divergence,
                                           const Matrix<double, ExecutionSpace>& by_source,
                                           const Matrix<double, ExecutionSpace>& by_target);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/solvers/unbalanced/unbalanced.hpp"

namespace otfleet::kernels {

/// The derivatives of the optimal value with respect to the points, by the envelope theorem:
///   by_source [B, n · d], row-major: sum_j P_ij dC_ij/dx_i;  by_target [B, m · d] likewise,
/// in the user's coordinates; 0 where the weight is zero. An array that is empty is left out.
///
/// Cosine and great circle, which see directions alone: the derivative is orthogonal to the point.
/// The Euclidean distance, powers up to 1 and the great circle have no derivative where two points
/// coincide (the great circle neither where they are opposite): such a pair counts 0 (for the
/// distance the smallest subgradient), as does one of identical points under any other cost. Local.
/// Work: one pass over the pairs a side and instance. Throws std::invalid_argument when sizes do
/// not fit.
template <class ExecutionSpace>
void differentiate_by_positions(const ExecutionSpace& space,
                                const PointCloudCost<ExecutionSpace>& cost,
                                const ProblemBatch<ExecutionSpace>& problems,
                                const UnbalancedSettings& settings,
                                const UnbalancedSolution<ExecutionSpace>& solution,
                                const Matrix<double, ExecutionSpace>& by_source,
                                const Matrix<double, ExecutionSpace>& by_target);

}  // namespace otfleet::kernels

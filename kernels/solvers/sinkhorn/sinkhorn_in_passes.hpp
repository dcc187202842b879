#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/problem_batch.hpp"
#include "kernels/solvers/sinkhorn/marginals.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

namespace otfleet::kernels {

/// sinkhorn() for a cost of one axis, in passes; what it promises.
/// Arguments are not checked. Memory: a number of Scalar an entry, two where problems differ in the
/// points that have weight.
template <class Scalar, class ExecutionSpace>
void sinkhorn_in_passes(const ExecutionSpace& space, const SeparableCost& cost,
                        const ProblemBatch<ExecutionSpace>& problems,
                        const SinkhornSettings& settings, bool from_zeros,
                        const Matrix<double, ExecutionSpace>& f,
                        const Vector<int, ExecutionSpace>& iterations,
                        const Vector<int, ExecutionSpace>& status,
                        const Matrix<double, ExecutionSpace>& error_trace = {},
                        const Vector<int, ExecutionSpace>& replaced = {});

/// The same for clouds of points whose marginals are penalized, in double: fills f [B, n],
/// marginals.g [B, m], iterations and status. Unless `from_zeros`, f is a start on entry (g where
/// the source is exact and the target is not). Potentials contain the masses of the measures.
template <class ExecutionSpace>
void sinkhorn_in_passes(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                        const ProblemBatch<ExecutionSpace>& problems,
                        const PenalizedMarginals<ExecutionSpace>& marginals,
                        const SinkhornSettings& settings, const StopRule& rule, bool from_zeros,
                        const Matrix<double, ExecutionSpace>& f,
                        const Vector<int, ExecutionSpace>& iterations,
                        const Vector<int, ExecutionSpace>& status);

}  // namespace otfleet::kernels

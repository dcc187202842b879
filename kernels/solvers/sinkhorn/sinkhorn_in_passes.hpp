#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/problem_batch.hpp"
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

}  // namespace otfleet::kernels

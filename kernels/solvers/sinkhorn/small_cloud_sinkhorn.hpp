#pragma once
#include "kernels/operators/in_lanes/small_clouds.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"

namespace otfleet::kernels {

/// Sinkhorn's iteration for the small problems of a batch: what sinkhorn() promises, in arrays of
/// its batch.
template <class Scalar, class ExecutionSpace>
void solve_small_clouds(const ExecutionSpace& space, const SmallClouds<ExecutionSpace>& problems,
                        const CloudProblems<ExecutionSpace>& batch,
                        const SinkhornSettings& settings, bool from_zeros, double* f,
                        const Vector<int, ExecutionSpace>& iterations,
                        const Vector<int, ExecutionSpace>& status,
                        const Matrix<double, ExecutionSpace>& error_trace,
                        const Vector<int, ExecutionSpace>& replaced);

}  // namespace otfleet::kernels

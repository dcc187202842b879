#pragma once
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

namespace otfleet::kernels {

/// sinkhorn() for a separable cost on the scaling path, one problem after the other on each thread:
/// the lanes of vectors hold neighboring points of the last axis. Each problem is computed on the
/// box of its own support, and waits for no other.
template <class Scalar, class ExecutionSpace>
void sinkhorn_by_points(
    const ExecutionSpace& space, const SeparableCost& cost,
    const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings, bool from_zeros,
    const Matrix<double, ExecutionSpace>& f, const Vector<int, ExecutionSpace>& iterations,
    const Vector<int, ExecutionSpace>& status, const Matrix<double, ExecutionSpace>& error_trace,
    const Vector<int, ExecutionSpace>& replaced, const LearnedStart<ExecutionSpace>& learned);

}  // namespace otfleet::kernels

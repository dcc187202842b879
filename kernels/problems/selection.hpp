#pragma once
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The problems `which` [S], each at most once, on the same measures. Local; throws nothing.
template <class ExecutionSpace>
ProblemBatch<ExecutionSpace> select(const ExecutionSpace& space,
                                    const ProblemBatch<ExecutionSpace>& problems,
                                    const Vector<const int, ExecutionSpace>& which);

}  // namespace otfleet::kernels

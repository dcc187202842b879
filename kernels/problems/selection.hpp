#pragma once
#include "kernels/problems/problem_batch.hpp"

// Some instances of a batch, as a batch of their own. `which` [S] holds their numbers, each at most
// once. All local; throws nothing.

namespace otfleet::kernels {

/// The chosen problems, on the same measures.
template <class ExecutionSpace>
ProblemBatch<ExecutionSpace> select(const ExecutionSpace& space,
                                    const ProblemBatch<ExecutionSpace>& problems,
                                    const Vector<const int, ExecutionSpace>& which);

/// some(s, :) = all(which(s), :), and back.
template <class ExecutionSpace>
void gather_rows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                 const Matrix<const double, ExecutionSpace>& all,
                 const Matrix<double, ExecutionSpace>& some);
template <class ExecutionSpace>
void scatter_rows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                  const Matrix<const double, ExecutionSpace>& some,
                  const Matrix<double, ExecutionSpace>& all);

}  // namespace otfleet::kernels

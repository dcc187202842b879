#pragma once
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// f_i += factor · log a_i, and −inf where a_i is zero. The potentials here contain epsilon log a
/// (the plan is exp((f + g − C)/epsilon), without the weights as a factor), those of closed forms
/// do not: with factor = epsilon the latter become starts for the former, and with factor =
/// epsilon − epsilon' a potential of epsilon' becomes a start at epsilon. f [B, n], in units of the
/// cost. Local. Throws std::invalid_argument when sizes do not fit.
template <class ExecutionSpace>
void add_log_weights(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                     double factor, const Matrix<double, ExecutionSpace>& f);

/// f [source_offsets().back()]; all points of a measure on one rank.
template <class ExecutionSpace>
void add_log_weights(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                     double factor, const Vector<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels

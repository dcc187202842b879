#pragma once
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// The exact dual potential f of unregularized transport on a line, for the cost |x − y|^power with
/// power >= 1: sorted, the optimal plan is the north-west-corner rule's staircase, and f_i + g_j =
/// C_ij along it. Such potentials are feasible for every Monge cost (Hoffman 1963). Where a corner
/// of the staircase leaves their sum open (both cumulative distributions jump at once), f is the
/// mean of the two extreme choices.
///
/// x [n], y [m] coordinates, in any order; f [B, n] on exit, in units of the cost, −inf where the
/// weight is zero, without the term epsilon log a (see log_weights.hpp). Local. Work: n log n
/// once, n + m an instance. Throws std::invalid_argument: sizes that do not fit, a power below 1.
/// Source: Thornton & Cuturi 2023, 'Rethinking initialization of the Sinkhorn algorithm', section
/// 4.1; they find the potential by iterating, here it is read off the staircase.
template <class ExecutionSpace>
void sorting_initializer(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& x,
                         const Vector<const double, ExecutionSpace>& y, double power,
                         const ProblemBatch<ExecutionSpace>& problems,
                         const Matrix<double, ExecutionSpace>& f);

/// f [source_offsets().back()]; all points of a measure on one rank, and of one dimension. Work:
/// n log n a measure once, n + m an instance.
template <class ExecutionSpace>
void sorting_initializer(const ExecutionSpace& space, double power,
                         const CloudBatch<ExecutionSpace>& problems,
                         const Vector<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/sinkhorn/certificate.hpp"
#include "kernels/sinkhorn/problem_batch.hpp"
#include "kernels/sinkhorn/sinkhorn.hpp"

// A large cost matrix is read by the passes that clouds of points have: one problem after the
// other, on all threads, in the logarithmic domain. The tiles of kernels/sinkhorn hold several
// problems side by side and need tables of the cost in several forms; they pay where there are
// problems to fill them and exponents are small.

namespace otfleet::kernels {

/// Are problems of this batch better taken one after the other, in passes? `safe`: would tiles hold
/// plain numbers, see scaling_is_safe()? Measured on a CPU: a pass costs an exponential an entry; a
/// tile's sums cost two multiply-adds an entry and lane where it is safe, ten times as much where
/// not, and its tables a few hundred operations an entry. Tiles are the better choice for small
/// matrices, whose passes would be over before they are launched.
inline bool prefers_passes(const SeparableCost& cost, int problems, bool safe) {
  constexpr double few_entries = 1 << 16, many_entries = 1 << 21;
  if (cost.axes().size() > 1) return false;
  const double entries = static_cast<double>(cost.n()) * cost.m();
  if (entries < few_entries) return false;
  return problems < 4 || (!safe && (problems < 8 || entries > many_entries));
}

/// sinkhorn() for a cost of one axis, in passes; what it promises, and so does certify_in_passes().
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

/// certify() likewise; of a cost that forbids() entries, upper bounds are left to
/// bound_by_allowed_plans().
template <class ExecutionSpace>
void certify_in_passes(const ExecutionSpace& space, const SeparableCost& cost,
                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                       const Matrix<const double, ExecutionSpace>& f,
                       const Matrix<double, ExecutionSpace>& g,
                       const Certificates<ExecutionSpace>& certificates);

}  // namespace otfleet::kernels

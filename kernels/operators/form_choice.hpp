#pragma once
#include <algorithm>

#include "kernels/backend.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/lanes/pack.hpp"

// A large cost matrix is read by the passes that clouds of points have: one problem after the
// other, on all threads, in the logarithmic domain. Tiles hold several
// problems side by side and need tables of the cost in several forms; they pay where there are
// problems to fill them and exponents are small.

namespace otfleet::kernels {

/// Are problems of this batch better taken one after the other, in passes? `safe`: would tiles hold
/// plain numbers, see scaling_is_safe()?
template <class ExecutionSpace>
bool prefers_passes(const SeparableCost& cost, int problems, bool safe) {
  using Tuned = Backend<ExecutionSpace>;
  if (cost.axes().size() > 1) return false;
  const double entries = static_cast<double>(cost.n()) * cost.m();
  if (entries < (problems == 1 ? Tuned::fewest_pass_entries_alone : Tuned::fewest_pass_entries))
    return false;
  return problems < Tuned::fill_plain_tiles ||
         (!safe && (problems < Tuned::fill_extended_tiles || entries > Tuned::many_pass_entries));
}

/// Do rows of this grid fill the lanes of vectors, so that Sinkhorn's iteration takes one problem
/// after the other, its points in the lanes? Measured on a core with AVX-512, double, digits of 28
/// x 28: 0.7 of the time of full tiles, whose lanes compute on the box of all of their problems and
/// wait for the slowest; a problem alone takes a twelfth. On rows of 12 points tiles are the faster
/// ones. A cost of one axis is a matrix: tiles read it once for all problems.
template <class ExecutionSpace, class Scalar>
bool fills_lanes(const SeparableCost& cost) {
  if (cost.axes().size() < 2) return false;
  const auto& last = cost.axes().back();
  return std::min(last.n, last.m) >= 2 * PointLanes<ExecutionSpace, Scalar>::pack_width;
}

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/separable_cost.hpp"

// A large cost matrix is read by the passes that clouds of points have: one problem after the
// other, on all threads, in the logarithmic domain. Tiles hold several
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

}  // namespace otfleet::kernels

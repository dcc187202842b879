#pragma once
#include "kernels/backend.hpp"
#include "kernels/geometry/separable_cost.hpp"

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
  if (entries < Tuned::fewest_pass_entries) return false;
  return problems < Tuned::fill_plain_tiles ||
         (!safe && (problems < Tuned::fill_extended_tiles || entries > Tuned::many_pass_entries));
}

}  // namespace otfleet::kernels

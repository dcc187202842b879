#pragma once
#include "kernels/host_device.hpp"

namespace otfleet::kernels {

/// How one instance ended.
enum class Status : int {
  converged = 0,        ///< true error (in double) not above the threshold
  iteration_limit = 1,  ///< max_iterations reached first
  precision_limit = 2,  ///< stopped by its own arithmetic, but the true error is above
  not_finite = 3,       ///< the arithmetic broke down (a start with NaN, say)
  ended = 4,            ///< by an IterationObserver; 0 iterations: f is as it was
};

/// The last word on an instance, from its true error. `why` is what its solver stopped for, and
/// counts only where the error is above the threshold; `finite`: no potential is NaN and no figure
/// is NaN or infinite.
OTFLEET_INLINE_FUNCTION Status final_status(Status why, double true_error, double threshold,
                                            bool finite) {
  if (!finite) return Status::not_finite;
  if (true_error <= threshold) return Status::converged;
  return why == Status::converged ? Status::precision_limit : why;
}

}  // namespace otfleet::kernels

#pragma once
#include "kernels/problems/status.hpp"

// When an instance stops, tries another start or goes on with momentum, and what is said of it in
// the end: the rules of every solver, on the host and on a device. Errors are shares of the mass.

namespace otfleet::kernels {

/// What ends an instance.
struct StopRule {
  double threshold = 1e-3;
  int inner_iterations = 1;  ///< iterations between two looks at whether the error is small enough
  int max_iterations = 2000;
  /// An error below may be nothing but rounding. It ends the instance when it has not fallen for
  /// `patience` iterations; a larger one never does, since errors stay the same for long where mass
  /// travels far.
  double rounding = 0;
  int patience = 32;

  /// Solvers aim a little lower than asked, so that the rounding of their error does not decide.
  KOKKOS_INLINE_FUNCTION bool is_small_enough(double error) const {
    return error < threshold * (1 - 1e-6);
  }
};

/// The state of one instance between two iterations.
struct InstanceControl {
  /// Where it began, and what else it has tried.
  enum class Start { given, zeros_instead, given_again, settled };
  struct Decision {
    bool stops;
    Status why;
  };
  static constexpr double infinite = Kokkos::Experimental::infinity<double>::value;

  Start start = Start::settled;
  double first_error = infinite;  ///< of the given start
  double best = infinite;         ///< error
  int iteration = 0, best_at = 0;
  int ascents = -1;  ///< updates since the momentum began; −1: none to look back on

  /// From its first iteration on; what start it has stays.
  KOKKOS_INLINE_FUNCTION void begin() {
    best = infinite;
    iteration = best_at = 0;
    ascents = -1;
  }

  /// After the first half-step: is the start so doubtful that the other one is looked at? Where it
  /// is, begin() again from zeros if `start` is zeros_instead now, from the given start otherwise.
  /// `replaced` becomes true when zeros are taken for good.
  KOKKOS_INLINE_FUNCTION bool tries_other_start(double error, double doubtful_error,
                                                bool& replaced) {
    if (start == Start::given) {
      first_error = error;
      // Written so that an error that is not a number counts as doubtful.
      const bool good = !(doubtful_error < infinite) || error <= doubtful_error;
      start = good ? Start::settled : Start::zeros_instead;
      return !good;
    }
    if (start == Start::zeros_instead) {
      const bool worse = error > first_error;
      replaced = !worse;
      start = worse ? Start::given_again : Start::settled;
      return worse;
    }
    start = Start::settled;
    return false;
  }

  /// Whether the instance stops with this error after `iteration` iterations.
  KOKKOS_INLINE_FUNCTION Decision test(const StopRule& rule, double error) {
    if (!(error < infinite)) return {true, Status::not_finite};
    const bool good = rule.is_small_enough(error);
    if (good && iteration % rule.inner_iterations == 0) return {true, Status::converged};
    if (iteration >= rule.max_iterations)
      return {true, good ? Status::converged : Status::iteration_limit};
    constexpr double progress = 1.0 / 256;  // rounding gives a little less now and then
    if (error < best * (1 - progress)) {
      best = error;
      best_at = iteration;
    }
    const bool stalls = error <= rule.rounding && iteration - best_at >= rule.patience;
    return {stalls, Status::precision_limit};
  }

  /// The factor β of the momentum: 0, 1/2, 2/3, … from where the last change did not go against the
  /// gradient of the semi-dual. `slope` is that of the last change, if there was one.
  KOKKOS_INLINE_FUNCTION double momentum(double slope) {
    ascents = ascents < 0 || slope < 0 ? 0 : ascents + 1;
    return ascents / (ascents + 1.0);
  }
};

}  // namespace otfleet::kernels

#pragma once
#include <limits>

#include "kernels/host_device.hpp"
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
  OTFLEET_INLINE_FUNCTION bool is_small_enough(double error) const {
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
  /// What follows an iteration: another one; begin() again from the other start (zeros if `start`
  /// is zeros_instead now, else the given one); or the end, with status `why`.
  enum class Next { iterate, other_start, stop };
  struct Step {
    Next next;
    Status why;
    bool takes_zeros;  ///< for good, instead of the start that was given
  };
  static constexpr double infinite = std::numeric_limits<double>::infinity();

  Start start = Start::settled;
  double first_error = infinite;  ///< of the given start
  double best = infinite;         ///< error
  int iteration = 0, best_at = 0;

  /// From its first iteration on; what start it has stays.
  OTFLEET_INLINE_FUNCTION void begin() {
    best = infinite;
    iteration = best_at = 0;
  }

  /// After the first half-step: is the start so doubtful that the other one is looked at? Where it
  /// is, begin() again from zeros if `start` is zeros_instead now, from the given start otherwise.
  /// `replaced` becomes true when zeros are taken for good.
  OTFLEET_INLINE_FUNCTION bool tries_other_start(double error, double doubtful_error,
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
  OTFLEET_INLINE_FUNCTION Decision test(const StopRule& rule, double error) {
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

  /// What follows the iteration that ended with this error.
  OTFLEET_INLINE_FUNCTION Step step(const StopRule& rule, double error, double doubtful_error) {
    bool zeros = false;
    if (iteration == 0 && tries_other_start(error, doubtful_error, zeros))
      return {Next::other_start, Status::ended, false};
    const Decision decision = test(rule, error);
    return {decision.stops ? Next::stop : Next::iterate, decision.why, zeros};
  }
};

/// The momentum of one instance (Acceleration::momentum): with S the plain update, u becomes
///   S · exp(β (change − mean) − moved),
/// change being that of log S since the last update and mean its mean over a, so that no constant
/// adds up. Where only differences of log u count, `moved` may be left out.
template <class Scalar>
struct Momentum {
  Scalar factor = 0;  ///< β
  Scalar mean = 0;    ///< of the last change
  Scalar moved = 0;   ///< all means together
  Scalar center = 0;  ///< β mean + moved: the exponent above is β change − center
  int ascents = -1;   ///< updates since it began; −1: none to look back on

  OTFLEET_INLINE_FUNCTION bool looks_back() const { return ascents >= 0; }

  /// After an iteration. β is 0, 1/2, 2/3, … from where the last change did not go against the
  /// gradient of the semi-dual; `slope` and `mean_change` are those of the last change, ignored
  /// where there was none.
  OTFLEET_INLINE_FUNCTION void update(double slope, Scalar mean_change) {
    const bool first = !looks_back();
    ascents = first || slope < 0 ? 0 : ascents + 1;
    factor = static_cast<Scalar>(ascents / (ascents + 1.0));
    if (first) return;
    mean = mean_change;
    moved += mean;
    center = factor * mean + moved;
  }

  /// β (change − mean), for a number or a pack.
  template <class Number>
  OTFLEET_FORCEINLINE_FUNCTION static Number beyond(const Number& factor, const Number& change,
                                                    const Number& mean) {
    return factor * (change - mean);
  }
};

}  // namespace otfleet::kernels

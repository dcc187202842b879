#pragma once
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/iteration_observer.hpp"

namespace otfleet::kernels {

/// Which arithmetic a batch runs in. `automatic` takes `scaling` where it is proven safe.
enum class Path { automatic, scaling, extended };

/// How an update of f uses the one before.
///   none      Sinkhorn's iteration.
///   momentum  Nesterov's: with S the plain update, f ← S(f_t) + β (S(f_t) − S(f_{t−1})), where β
///             is 1/2, 2/3, 3/4, … and starts over whenever the last change went against the
///             gradient of the semi-dual (O'Donoghue & Candès 2015). Sinkhorn's iteration is
///             gradient ascent on the semi-dual in disguise, so this is accelerated ascent: the
///             iterations to an error grow with the square root of what they grew with.
enum class Acceleration { none, momentum };

struct SinkhornSettings {
  double epsilon = 1e-2;     ///< absolute, in units of the cost
  double threshold = 1e-3;   ///< on the L1 marginal error, a share of the mass
  int inner_iterations = 1;  ///< iterations between two looks at the error
  int max_iterations = 2000;
  Path path = Path::automatic;
  Acceleration acceleration = Acceleration::none;
  /// A given start whose first error is above this share of the mass is compared with the zero
  /// start, and the better of the two is taken: a prediction that failed costs two half-steps.
  /// Infinity: never; a start with NaN then ends as Status::not_finite.
  double doubtful_error = std::numeric_limits<double>::infinity();
  IterationObserver* observer = nullptr;  ///< may end the batch before it is done
  /// Bytes that a large problem on points may keep between iterations, so that these need not
  /// compute its costs again.
  std::size_t kept_bytes = std::size_t{512} << 20;
  /// Iterations without progress after which an error that may be nothing but rounding ends an
  /// instance, see StopRule.
  int patience = StopRule().patience;

  /// `rounding`: as StopRule has it.
  OTFLEET_INLINE_FUNCTION StopRule stop_rule(double rounding) const {
    return {threshold, inner_iterations, max_iterations, rounding, patience};
  }
};

/// What the rounding of Scalar may leave of a marginal error, exponents being at most `exponents`
/// and carried in Scalar.
template <class Scalar>
OTFLEET_INLINE_FUNCTION double rounding_error(double exponents) {
  return machine_epsilon<Scalar> * (16 + 2 * exponents);
}

/// Momentum multiplies u by at most e^±momentum_limit: the mean of its change over a is taken out
/// in every iteration, so that nothing adds up.
inline constexpr double momentum_limit = 30;

// Both throw std::invalid_argument.

inline void check_settings(const SinkhornSettings& settings) {
  if (!(settings.threshold > 0)) throw std::invalid_argument("threshold must be > 0");
  if (settings.inner_iterations < 1) throw std::invalid_argument("inner_iterations must be >= 1");
  if (settings.max_iterations < 0) throw std::invalid_argument("max_iterations must be >= 0");
}

/// Unless outputs have one row a problem; the last two may be empty.
template <class Integers, class Errors>
void check_outputs(std::size_t batch, const Integers& iterations, const Integers& status,
                   const Errors& error_trace, const Integers& replaced) {
  if (iterations.extent(0) != batch || status.extent(0) != batch ||
      (error_trace.extent(1) > 0 && error_trace.extent(0) != batch) ||
      (replaced.extent(0) > 0 && replaced.extent(0) != batch))
    throw std::invalid_argument("outputs do not have one row for each of the " +
                                std::to_string(batch) + " problems");
}

}  // namespace otfleet::kernels

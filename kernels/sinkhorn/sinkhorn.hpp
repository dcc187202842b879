#pragma once
#include <limits>

#include "kernels/geometry/separable_cost.hpp"
#include "kernels/sinkhorn/instance_control.hpp"
#include "kernels/sinkhorn/iteration_observer.hpp"
#include "kernels/sinkhorn/problem_batch.hpp"

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
  /// Iterations without progress after which an error that may be nothing but rounding ends an
  /// instance, see StopRule.
  int patience = StopRule().patience;

  /// `rounding`: as StopRule has it.
  KOKKOS_INLINE_FUNCTION StopRule stop_rule(double rounding) const {
    return {threshold, inner_iterations, max_iterations, rounding, patience};
  }
};

/// What the rounding of Scalar may leave of a marginal error, exponents being at most `exponents`
/// and carried in Scalar.
template <class Scalar>
KOKKOS_INLINE_FUNCTION double rounding_error(double exponents) {
  return Kokkos::Experimental::epsilon<Scalar>::value * (16 + 2 * exponents);
}

/// True where u = exp(f/epsilon) and its products can neither overflow nor lose a digit to
/// underflow in Scalar, at any iteration and from any start: with R = range of the cost, the soft
/// c-transforms have oscillation at most R, and an iteration does not increase the sup-distance
/// to a fixed point (Franklin & Lorenz 1989), so every exponent stays within
/// 3 R/epsilon + log(n m) + log(1/smallest weight). Momentum multiplies u by at most
/// e^±momentum_limit beyond that: its mean over a is taken out in every iteration, so that nothing
/// adds up.
inline constexpr double momentum_limit = 30;
template <class Scalar>
bool scaling_is_safe(const SeparableCost& cost, double epsilon, double smallest_weight,
                     Acceleration acceleration = Acceleration::none);

/// Solves a batch of entropic OT problems, max over f, g of
///   <f, a> + <g, b> − epsilon sum_ij exp((f_i + g_j − C_ij)/epsilon) (+ epsilon mass),
/// by Sinkhorn's iteration (Cuturi 2013).
///
/// The state of an instance is (f, g(f)) with g the half-step that makes the marginal b exact, so
/// its error is |P1 − a|_1 over the mass, and zero iterations means that the start was good enough.
/// An iteration is one update of f followed by that half-step. Every instance stops on its own; its
/// lane is given to the next waiting instance at once, so a slow instance holds nobody. Results do
/// not depend on which instances share a tile, a team or a rank.
///
/// f [B, n], in units of the cost: the start on entry (−inf allowed; ignored where `from_zeros`),
/// the solution on exit, with −inf where the weight is zero; defined up to a constant.
/// iterations [B], status [B]: what each stopped for in Scalar arithmetic; final_status() has the
/// last word, with the error that certify() finds.
/// replaced [B] or empty: 1 where the given start was worse than zeros and these were taken.
/// error_trace [B, T] or empty: entry t is the error (share of the mass) after t iterations, for t
/// < T; instances that stop earlier leave the rest as it was. Local. Work: 2 applications of the
/// kernel an iteration and instance; memory: a few tiles a team. Throws std::invalid_argument:
/// sizes that do not fit, settings out of range, a scaling path that was asked for and is not safe.
template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const SeparableCost& cost,
              const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
              bool from_zeros, const Matrix<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace = {},
              const Vector<int, ExecutionSpace>& replaced = {});

}  // namespace otfleet::kernels

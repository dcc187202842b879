#pragma once
#include <utility>

#include "kernels/minimize/potential_oracle.hpp"
#include "kernels/minimize/settings.hpp"

// Convex conjugates f*(y) = sup_x <x, y> − f(x), thousands of y at once: batched minimization of
//   J(x; y) = f(x) − <x, y>,
// as the inner problem of Wasserstein-2 potentials (Amos, 'On amortizing convex conjugates for
// optimal transport', 2022, section 3; Taghvaei & Jalali 2019). f* = −min J, and ∇f*(y) is the
// minimizer. A prediction of the minimizer is a good start. f need not be convex: a point then ends
// at a stationary point downhill from its start.

namespace otfleet::kernels {

/// What is known about the minimizers, [B] each.
template <class ExecutionSpace, class Scalar>
struct Conjugates {
  Vector<Scalar, ExecutionSpace> value;                    ///< J at x: an upper bound on −f*(y)
  Vector<Scalar, ExecutionSpace> residual;                 ///< |∇f(x) − y|, Euclidean
  Vector<Scalar, ExecutionSpace> start_residual;           ///< the same at the start
  Vector<int, ExecutionSpace> steps, evaluations, status;  ///< status: ConjugateStatus
  Vector<int, ExecutionSpace> end, bow;  ///< of LeastActionConjugates alone, or nothing

  Conjugates() = default;
  explicit Conjugates(std::size_t points)
      : value("otfleet::conjugate::value", points),
        residual("otfleet::conjugate::residual", points),
        start_residual("otfleet::conjugate::start_residual", points),
        steps("otfleet::conjugate::steps", points),
        evaluations("otfleet::conjugate::evaluations", points),
        status("otfleet::conjugate::status", points) {}

  /// Of the first points; the elements are the same.
  Conjugates first(std::size_t points) const {
    const auto some = std::pair<std::size_t, std::size_t>(0, points);
    Conjugates part;
    part.value = Kokkos::subview(value, some);
    part.residual = Kokkos::subview(residual, some);
    part.start_residual = Kokkos::subview(start_residual, some);
    part.steps = Kokkos::subview(steps, some);
    part.evaluations = Kokkos::subview(evaluations, some);
    part.status = Kokkos::subview(status, some);
    return part;
  }
};

/// Minimizes by L-BFGS (Nocedal & Wright 2006, algorithm 7.5), every point with its own steps, line
/// search and end. All trials of a round, whatever stage their points are at, are one call of the
/// oracle; points that are done leave the batch. Where J no longer tells trials apart in Scalar,
/// its slopes do (Hager & Zhang 2005, 'approximate Wolfe').
///
/// Memory: (2 memory + 5) D a point, kept from one call to the next. The result for a point does
/// not depend on the others, but for the oracle's rounding. One thread at a time.
template <class ExecutionSpace, class Scalar>
class Lbfgs {
 public:
  /// For up to `points` points. Throws std::invalid_argument for settings that make no sense.
  Lbfgs(const LbfgsSettings& settings, int points, int dimension);

  /// y [B, D], B <= points; x [B, D]: starts, then minimizers; steps_behind [B] or nothing: steps
  /// that led to these starts, which count. Throws std::invalid_argument: sizes that do not fit.
  void minimize(const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& oracle,
                const Matrix<const Scalar, ExecutionSpace>& y,
                const Matrix<Scalar, ExecutionSpace>& x,
                const Conjugates<ExecutionSpace, Scalar>& result,
                const Vector<const int, ExecutionSpace>& steps_behind = {});

 private:
  LbfgsSettings settings_;
  int points_, dimension_;
  Kokkos::View<Scalar***, Kokkos::LayoutRight, typename ExecutionSpace::memory_space> step_pairs_,
      slope_pairs_;  ///< [points, memory, D]
  Matrix<Scalar, ExecutionSpace> start_, gradient_, direction_, inverse_product_;
  Matrix<Scalar, ExecutionSpace> trial_, trial_gradient_;  ///< of those that are not done
  Vector<Scalar, ExecutionSpace> trial_value_;
  Matrix<double, ExecutionSpace> search_;  ///< [points, …] a line search's numbers
  Vector<int, ExecutionSpace> pairs_, trials_, active_, next_;
};

/// Lbfgs in double for a function that is known in float as well: first in float, where an
/// evaluation takes half the time, then in double from there, as a rule with one evaluation that
/// confirms it. Results are tested in double alone. Ours.
///
/// Memory: that of Lbfgs in both precisions.
template <class ExecutionSpace>
class MixedLbfgs {
 public:
  /// As Lbfgs.
  MixedLbfgs(const LbfgsSettings& settings, int points, int dimension);

  /// As Lbfgs::minimize(), `rough` being the same function as `oracle`. Evaluations count both
  /// parts, steps as well, but where float finds no finite end: such a point starts anew in double.
  void minimize(const ExecutionSpace& space, PotentialOracle<ExecutionSpace, float>& rough,
                PotentialOracle<ExecutionSpace, double>& oracle,
                const Matrix<const double, ExecutionSpace>& y,
                const Matrix<double, ExecutionSpace>& x,
                const Conjugates<ExecutionSpace, double>& result);

 private:
  Lbfgs<ExecutionSpace, float> rough_;
  Lbfgs<ExecutionSpace, double> fine_;
  Matrix<float, ExecutionSpace> y_, x_;
  Conjugates<ExecutionSpace, float> result_;
};

/// Minimizes by Adam (Kingma & Ba 2015), every point with its own end. Memory and threads as Lbfgs.
template <class ExecutionSpace, class Scalar>
class AdamDescent {
 public:
  AdamDescent(const AdamDescentSettings& settings, int points, int dimension);

  /// As Lbfgs::minimize().
  void minimize(const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& oracle,
                const Matrix<const Scalar, ExecutionSpace>& y,
                const Matrix<Scalar, ExecutionSpace>& x,
                const Conjugates<ExecutionSpace, Scalar>& result);

 private:
  AdamDescentSettings settings_;
  int points_, dimension_;
  Matrix<Scalar, ExecutionSpace> start_, first_moment_, second_moment_, trial_, trial_gradient_;
  Vector<Scalar, ExecutionSpace> trial_value_;
  Vector<int, ExecutionSpace> active_, next_;
};

}  // namespace otfleet::kernels

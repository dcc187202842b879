#include <cmath>
#include <utility>

#include "kernels/minimize/active_points.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// The rate's share and the bias corrections of one round, the same for all points.
struct AdamRound {
  double rate, first_correction, second_correction;
};

AdamRound round_of(const AdamDescentSettings& settings, int step) {
  const double turn = 3.14159265358979323846 * step / settings.max_steps;
  return {settings.learning_rate * 0.5 * (1 + std::cos(turn)),
          1 - std::pow(settings.beta1, step + 1), 1 - std::pow(settings.beta2, step + 1)};
}

}  // namespace

template <class ExecutionSpace, class Scalar>
AdamDescent<ExecutionSpace, Scalar>::AdamDescent(const AdamDescentSettings& settings, int points,
                                                 int dimension)
    : settings_(settings), points_(points), dimension_(dimension) {
  using detail::check_setting;
  const auto is_share = [](double beta) { return beta >= 0 && beta < 1; };
  check_setting(settings.learning_rate > 0 && settings.epsilon > 0,
                "learning_rate and epsilon must be above zero");
  check_setting(is_share(settings.beta1) && is_share(settings.beta2),
                "beta1 and beta2 must be at least 0 and below 1");
  detail::check_limits(settings, points, dimension);
  const auto count = static_cast<std::size_t>(points), wide = static_cast<std::size_t>(dimension);
  const auto matrix = [&](const std::string& label) {
    return Matrix<Scalar, ExecutionSpace>(label, count, wide);
  };
  start_ = matrix("otfleet::conjugate::start");
  first_moment_ = matrix("otfleet::conjugate::first_moment");
  second_moment_ = matrix("otfleet::conjugate::second_moment");
  trial_ = matrix("otfleet::conjugate::trial");
  trial_gradient_ = matrix("otfleet::conjugate::trial_gradient");
  trial_value_ = Vector<Scalar, ExecutionSpace>("otfleet::conjugate::trial_value", count);
  active_ = Vector<int, ExecutionSpace>("otfleet::conjugate::active", count);
  next_ = Vector<int, ExecutionSpace>("otfleet::conjugate::next", count);
}

template <class ExecutionSpace, class Scalar>
void AdamDescent<ExecutionSpace, Scalar>::minimize(
    const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& oracle,
    const Matrix<const Scalar, ExecutionSpace>& y, const Matrix<Scalar, ExecutionSpace>& x,
    const Conjugates<ExecutionSpace, Scalar>& result) {
  detail::check_sizes(points_, dimension_, y, x, result, oracle.dimension());
  int count = static_cast<int>(y.extent(0));
  if (count == 0) return;
  detail::begin_all(space, active_, count, result);
  Kokkos::deep_copy(space, first_moment_, Scalar(0));
  Kokkos::deep_copy(space, second_moment_, Scalar(0));
  const auto rows = std::pair<std::size_t, std::size_t>(0, y.extent(0));
  Kokkos::deep_copy(space, Kokkos::subview(start_, rows, Kokkos::ALL), x);
  const auto settings = settings_;
  const auto start = start_, first_moment = first_moment_, second_moment = second_moment_;
  const auto trial = trial_, trial_gradient = trial_gradient_;
  const auto trial_value = trial_value_;
  const int dimension = dimension_;
  for (int step = 0; count > 0; ++step) {
    const auto active = active_;
    Kokkos::parallel_for(
        "otfleet::conjugate::gather", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int slot) {
          for (int i = 0; i < dimension; ++i) trial(slot, i) = x(active(slot), i);
        });
    const auto some = std::pair<std::size_t, std::size_t>(0, static_cast<std::size_t>(count));
    oracle.evaluate(space, Kokkos::subview(trial_, some, Kokkos::ALL),
                    Kokkos::subview(trial_value_, some),
                    Kokkos::subview(trial_gradient_, some, Kokkos::ALL));
    const AdamRound round = round_of(settings, step);
    Kokkos::parallel_for(
        "otfleet::conjugate::adam_round", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int slot) {
          const int p = active(slot);
          double product = 0, square = 0, gone = 0, length = 0;
          for (int i = 0; i < dimension; ++i) {
            const double at = trial(slot, i), from = start(p, i);
            const double slope = static_cast<double>(trial_gradient(slot, i)) - y(p, i);
            product += at * y(p, i);
            square += slope * slope;
            gone += (at - from) * (at - from);
            length += from * from;
          }
          const double value = static_cast<double>(trial_value(slot)) - product;
          const double norm = ::sqrt(square);
          ++result.evaluations(p);
          result.steps(p) = step;
          const bool finite = value - value == 0 && square - square == 0;
          if (!finite && step > 0) {  // f is known to have a value at the start
            for (int i = 0; i < dimension; ++i) x(p, i) = start(p, i);
          }
          result.value(p) = static_cast<Scalar>(value);
          result.residual(p) = static_cast<Scalar>(norm);
          if (step == 0) result.start_residual(p) = static_cast<Scalar>(norm);
          ConjugateStatus status = ConjugateStatus::step_limit;
          if (!finite)
            status = ConjugateStatus::not_finite;
          else if (norm <= settings.gradient_tolerance)
            status = ConjugateStatus::converged;
          else if (::sqrt(gone) > settings.most_distance * (1 + ::sqrt(length)))
            status = ConjugateStatus::unbounded;
          else if (step < settings.max_steps) {
            for (int i = 0; i < dimension; ++i) {
              const double slope = static_cast<double>(trial_gradient(slot, i)) - y(p, i);
              const double first =
                  settings.beta1 * first_moment(p, i) + (1 - settings.beta1) * slope;
              const double second =
                  settings.beta2 * second_moment(p, i) + (1 - settings.beta2) * slope * slope;
              first_moment(p, i) = static_cast<Scalar>(first);
              second_moment(p, i) = static_cast<Scalar>(second);
              x(p, i) -= static_cast<Scalar>(
                  round.rate * (first / round.first_correction) /
                  (::sqrt(second / round.second_correction) + settings.epsilon));
            }
            return;
          }
          result.status(p) = static_cast<int>(status);
        });
    count = detail::keep_active(space, active_, next_, count, result.status);
  }
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)          \
  template class AdamDescent<Space, float>; \
  template class AdamDescent<Space, double>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/paths/least_action_conjugate.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/minimize/active_points.hpp"
#include "kernels/paths/path_starts.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Of vary_bows(): a bow takes several times as many steps as a prediction.
constexpr std::int64_t turns_between_bows = 3;

/// A path's action plus a function of its end.
template <class ExecutionSpace, class Scalar>
class ActionAndEnd final : public PotentialOracle<ExecutionSpace, Scalar> {
 public:
  ActionAndEnd(PathEnergy<ExecutionSpace, Scalar>& energy,
               PotentialOracle<ExecutionSpace, Scalar>& potential,
               const Matrix<Scalar, ExecutionSpace>& ends,
               const Matrix<Scalar, ExecutionSpace>& slopes,
               const Vector<Scalar, ExecutionSpace>& values)
      : energy_(energy), potential_(potential), ends_(ends), slopes_(slopes), values_(values) {}

  int dimension() const override { return energy_.dimension(); }

  void evaluate(const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& rows,
                const Vector<Scalar, ExecutionSpace>& value,
                const Matrix<Scalar, ExecutionSpace>& gradient) override {
    energy_.evaluate(space, rows, value, gradient);
    const std::size_t count = rows.extent(0);
    const int d = static_cast<int>(ends_.extent(1)), first = static_cast<int>(rows.extent(1)) - d;
    const auto ends = detail::leading_rows<ExecutionSpace>(ends_, count);
    const auto slopes = detail::leading_rows<ExecutionSpace>(slopes_, count);
    const auto values = values_;
    Kokkos::parallel_for(
        "otfleet::paths::ends_of_rows", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int row) {
          for (int i = 0; i < d; ++i) ends(row, i) = rows(row, first + i);
        });
    potential_.evaluate(space, ends, values, slopes);
    Kokkos::parallel_for(
        "otfleet::paths::add_potential", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int row) {
          Scalar square = 0;
          for (int i = 0; i < d; ++i) {
            square += ends(row, i) * ends(row, i);
            gradient(row, first + i) += slopes(row, i) - ends(row, i);
          }
          value(row) += values(row) - square / 2;
        });
  }

 private:
  PathEnergy<ExecutionSpace, Scalar>& energy_;
  PotentialOracle<ExecutionSpace, Scalar>& potential_;
  Matrix<Scalar, ExecutionSpace> ends_, slopes_;
  Vector<Scalar, ExecutionSpace> values_;
};

}  // namespace

template <class ExecutionSpace, class Scalar>
LeastActionConjugates<ExecutionSpace, Scalar>::LeastActionConjugates(const Lagrangian& lagrangian,
                                                                     const PathSettings& path,
                                                                     const LbfgsSettings& settings,
                                                                     int points, int dimension)
    : lagrangian_(lagrangian),
      tables_(PathBasis(path.nodes, path.points)),
      starts_(path.starts),
      dimension_(dimension),
      energy_(lagrangian_, tables_, dimension, true),
      lbfgs_(settings, points * path.starts, energy_.dimension()),
      minima_(static_cast<std::size_t>(points) * static_cast<std::size_t>(path.starts)) {
  if (path.starts < 1) throw std::invalid_argument("a path needs at least 1 start");
  const auto count = static_cast<std::size_t>(points) * static_cast<std::size_t>(path.starts),
             length = static_cast<std::size_t>(energy_.dimension()),
             wide = static_cast<std::size_t>(dimension);
  rows_ = Matrix<Scalar, ExecutionSpace>("otfleet::paths::rows", count, length);
  zeros_ = Matrix<Scalar, ExecutionSpace>("otfleet::paths::zeros", count, length);
  ends_ = Matrix<Scalar, ExecutionSpace>("otfleet::paths::ends", count, wide);
  slopes_ = Matrix<Scalar, ExecutionSpace>("otfleet::paths::slopes", count, wide);
  values_ = Vector<Scalar, ExecutionSpace>("otfleet::paths::values", count);
  tried_values_ = Vector<Scalar, ExecutionSpace>("otfleet::paths::tried_values", count);
  chosen_ = Vector<int, ExecutionSpace>("otfleet::paths::chosen", static_cast<std::size_t>(points));
  best_values_ = Vector<Scalar, ExecutionSpace>("otfleet::paths::best_values", count);
  tried_slopes_ = Matrix<Scalar, ExecutionSpace>("otfleet::paths::tried_slopes", count, length);
}

template <class ExecutionSpace, class Scalar>
void LeastActionConjugates<ExecutionSpace, Scalar>::choose_starts(
    const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& both,
    const Matrix<const Scalar, ExecutionSpace>& y, const Matrix<Scalar, ExecutionSpace>& x,
    const Matrix<Scalar, ExecutionSpace>& paths) {
  const int count = static_cast<int>(y.extent(0)), d = dimension_;
  const auto rows = detail::leading_rows<ExecutionSpace>(rows_, y.extent(0));
  const auto slopes = detail::leading_rows<ExecutionSpace>(tried_slopes_, y.extent(0));
  const auto values = tried_values_, best = best_values_;
  const auto tried = tried_;
  const auto chosen = chosen_;
  const auto bow = tables_.bow;
  const int ends = static_cast<int>(tried.extent(0)), length = static_cast<int>(paths.extent(1));
  for (int end = -1; end < ends; ++end) {
    const Matrix<const Scalar, ExecutionSpace> to = end < 0 ? x : tried;
    Kokkos::parallel_for(
        "otfleet::paths::straight_to_end", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int k) {
          detail::begin_path(rows, k, 0.0, y, k, to, end < 0 ? k : end, bow);
          if (end < 0)
            for (int i = 0; i < length; ++i) rows(k, i) = paths(k, i);
        });
    both.evaluate(space, rows, values, slopes);
    Kokkos::parallel_for(
        "otfleet::paths::better_end", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int k) {
          const bool known = end >= 0 && best(k) - best(k) == 0;  // of an end with a value
          if (end < 0) chosen(k) = -1;
          if (end >= 0 && values(k) - values(k) != 0) return;
          if (known && !(values(k) < best(k))) return;
          best(k) = values(k);
          chosen(k) = end;
          if (end < 0) return;
          for (int i = 0; i < d; ++i) x(k, i) = tried(end, i);
        });
  }
}

template <class ExecutionSpace, class Scalar>
void LeastActionConjugates<ExecutionSpace, Scalar>::minimize(
    const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& potential,
    const Matrix<const Scalar, ExecutionSpace>& y, const Matrix<Scalar, ExecutionSpace>& x,
    const Conjugates<ExecutionSpace, Scalar>& result, const Matrix<Scalar, ExecutionSpace>& paths) {
  const int d = dimension_, count = static_cast<int>(y.extent(0));
  detail::check_sizes(static_cast<int>(rows_.extent(0)) / starts_, d, y, x, result,
                      potential.dimension());
  const int length = static_cast<int>(paths.extent(1)), ahead = length > 0 ? 1 : 0;
  const bool varies = turn_ >= 0 && ahead > 0 && starts_ > 1;
  const int starts = varies ? (turn_ % turns_between_bows == 0 ? 2 : 1) : starts_;
  if (length > 0 && (paths.extent(0) != y.extent(0) || length != path_numbers()))
    throw std::invalid_argument("paths must be [" + std::to_string(count) + ", " +
                                std::to_string(path_numbers()) + "]");
  const auto rows = detail::leading_rows<ExecutionSpace>(
      rows_, static_cast<std::size_t>(count) * static_cast<std::size_t>(starts));
  const auto bow = tables_.bow;
  ActionAndEnd<ExecutionSpace, Scalar> both(energy_, potential, ends_, slopes_, values_);
  if (tried_.extent(0) > 0) choose_starts(space, both, y, x, paths);
  const auto chosen = chosen_;
  const bool tries = tried_.extent(0) > 0, says = result.end.extent(0) > 0;
  // Golden shares of the widest bow: evenly spread over turns, and over points.
  const int pairs = (starts_ - 1) / 2;
  const double widest = detail::first_bow * pairs;
  const double turn = 0.6180339887498949 * static_cast<double>(turn_ % 1000000);
  const std::int64_t first_point = first_;
  Kokkos::parallel_for(
      "otfleet::paths::starts_of_ends",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, count * starts), KOKKOS_LAMBDA(int row) {
        const int k = row / starts;
        const bool tried = tries && chosen(k) >= 0;  // nothing predicts a path to such an end
        const int start = row % starts - (tried ? 0 : ahead);
        double height = start < 0 ? 0.0 : detail::height_of_bow(start);
        if (varies && start >= 0) {
          const double place = turn + 0.7548776662466927 * static_cast<double>(first_point + k);
          height = widest * (2 * (place - ::floor(place)) - 1);
        }
        detail::begin_path(rows, row, height, y, k, x, k, bow);
        if (start < 0)
          for (int i = 0; i < length; ++i) rows(row, i) = paths(k, i);
      });
  const auto minima = minima_.first(rows.extent(0));
  const Matrix<const Scalar, ExecutionSpace> nothing =
      detail::leading_rows<ExecutionSpace>(zeros_, rows.extent(0));
  lbfgs_.minimize(space, both, nothing, rows, minima);
  const auto found = result;
  const int first = static_cast<int>(rows.extent(1)) - d;
  Kokkos::parallel_for(
      "otfleet::paths::best_ends", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int k) {
        int best = k * starts, steps = 0, evaluations = 0;
        for (int row = k * starts; row < (k + 1) * starts; ++row) {
          // One without a value is worse than any with one.
          if (minima.value(row) - minima.value(row) == 0 &&
              !(minima.value(row) >= minima.value(best)))
            best = row;
          steps += minima.steps(row);
          evaluations += minima.evaluations(row);
        }
        Scalar square = 0;
        for (int i = 0; i < d; ++i) {
          x(k, i) = rows(best, first + i);
          square += y(k, i) * y(k, i);
        }
        found.value(k) = minima.value(best) - square / 2;
        found.residual(k) = minima.residual(best);
        found.start_residual(k) = minima.start_residual(k * starts);
        found.steps(k) = steps;
        found.evaluations(k) = evaluations;
        found.status(k) = minima.status(best);
        for (int i = 0; i < length; ++i) paths(k, i) = rows(best, i);
        if (!says) return;
        found.end(k) = tries ? chosen(k) : -1;
        found.bow(k) = best - k * starts - (tries && chosen(k) >= 0 ? 0 : ahead);
      });
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                    \
  template class LeastActionConjugates<Space, float>; \
  template class LeastActionConjugates<Space, double>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

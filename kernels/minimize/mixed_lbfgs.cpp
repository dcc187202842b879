#include <algorithm>
#include <utility>

#include "kernels/minimize/active_points.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

LbfgsSettings rough_settings(LbfgsSettings settings) {
  // A little more than asked for, so that double finds nothing to add; but not down to float's
  // rounding, where steps are lost. Where it stalls, double goes on.
  settings.gradient_tolerance = std::max(0.9 * settings.gradient_tolerance, least_rough_tolerance);
  settings.max_trials = std::min(settings.max_trials, 5);
  return settings;
}

template <class ExecutionSpace>
void copy_rows(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& from,
               const Matrix<float, ExecutionSpace>& to) {
  Kokkos::parallel_for(
      "otfleet::conjugate::to_float", Kokkos::RangePolicy<ExecutionSpace>(space, 0, from.extent(0)),
      KOKKOS_LAMBDA(int k) {
        for (std::size_t i = 0; i < from.extent(1); ++i) to(k, i) = static_cast<float>(from(k, i));
      });
}

}  // namespace

template <class ExecutionSpace>
MixedLbfgs<ExecutionSpace>::MixedLbfgs(const LbfgsSettings& settings, int points, int dimension)
    : rough_(rough_settings(settings), points, dimension),
      fine_(settings, points, dimension),
      y_("otfleet::conjugate::rough_y", static_cast<std::size_t>(points),
         static_cast<std::size_t>(dimension)),
      x_("otfleet::conjugate::rough_x", static_cast<std::size_t>(points),
         static_cast<std::size_t>(dimension)),
      result_(static_cast<std::size_t>(points)) {}

template <class ExecutionSpace>
void MixedLbfgs<ExecutionSpace>::minimize(const ExecutionSpace& space,
                                          PotentialOracle<ExecutionSpace, float>& rough,
                                          PotentialOracle<ExecutionSpace, double>& oracle,
                                          const Matrix<const double, ExecutionSpace>& y,
                                          const Matrix<double, ExecutionSpace>& x,
                                          const Conjugates<ExecutionSpace, double>& result) {
  detail::check_sizes(static_cast<int>(y_.extent(0)), static_cast<int>(y_.extent(1)), y, x, result,
                      oracle.dimension());
  const auto rows = std::pair<std::size_t, std::size_t>(0, y.extent(0));
  const Matrix<float, ExecutionSpace> rough_y = Kokkos::subview(y_, rows, Kokkos::ALL);
  const Matrix<float, ExecutionSpace> rough_x = Kokkos::subview(x_, rows, Kokkos::ALL);
  const Conjugates<ExecutionSpace, float> found = result_.first(y.extent(0));
  copy_rows<ExecutionSpace>(space, y, rough_y);
  copy_rows<ExecutionSpace>(space, x, rough_x);
  rough_.minimize(space, rough, rough_y, rough_x, found);
  const Kokkos::RangePolicy<ExecutionSpace> points(space, 0, y.extent(0));
  Kokkos::parallel_for(
      "otfleet::conjugate::take_rough", points, KOKKOS_LAMBDA(int k) {
        const int status = found.status(k);
        if (status == static_cast<int>(ConjugateStatus::unbounded) ||
            status == static_cast<int>(ConjugateStatus::not_finite))
          found.steps(k) = 0;
        if (found.steps(k) == 0) return;
        for (std::size_t i = 0; i < x.extent(1); ++i) x(k, i) = rough_x(k, i);
      });
  fine_.minimize(space, oracle, y, x, result, found.steps);
  Kokkos::parallel_for(
      "otfleet::conjugate::count_both", points, KOKKOS_LAMBDA(int k) {
        result.start_residual(k) = static_cast<double>(found.start_residual(k));
        result.evaluations(k) += found.evaluations(k);
      });
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space) template class MixedLbfgs<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

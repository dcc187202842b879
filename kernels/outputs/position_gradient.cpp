#include "kernels/outputs/position_gradient.hpp"

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/unbalanced/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// One row of one problem a thread.
template <class Cost, class ExecutionSpace>
struct PositionGradient {
  Matrix<const double, ExecutionSpace> points, others;  ///< as the cost keeps them
  Vector<const double, ExecutionSpace> norm;            ///< where directions alone count
  Matrix<const double, ExecutionSpace> potential, other_potential;
  Vector<const double, ExecutionSpace> mass_potential;
  double epsilon;
  Cost ground_cost;
  Matrix<double, ExecutionSpace> gradient;

  static constexpr double nothing = -Kokkos::Experimental::infinity<double>::value;

  KOKKOS_FUNCTION void operator()(long item) const {
    const int count = static_cast<int>(points.extent(0)), d = static_cast<int>(points.extent(1));
    const int k = static_cast<int>(item / count), i = static_cast<int>(item % count);
    double* slope = &gradient(k, static_cast<long>(i) * d);
    for (int c = 0; c < d; ++c) slope[c] = 0;
    if (!(potential(k, i) > nothing)) return;
    const double *x = &points(i, 0), constant = potential(k, i) + mass_potential(k);
    for (int j = 0; j < static_cast<int>(others.extent(0)); ++j) {
      if (!(other_potential(k, j) > nothing)) continue;
      const double* y = &others(j, 0);
      typename Cost::template Sum<double> sum(0.0);
      for (int c = 0; c < d; ++c) sum = Cost::add(sum, x[c], y[c]);
      const double cost = ground_cost.template from_sum<double, double>(sum);
      const double share = ::exp((constant + other_potential(k, j) - cost) / epsilon);
      ground_cost.add_slope(share, sum, x, y, d, slope);
    }
    if constexpr (Cost::takes_directions) project(x, d, slope, 1 / norm(i));
  }

  /// slope = factor × its part that is orthogonal to x.
  KOKKOS_FUNCTION static void project(const double* x, int d, double* slope, double factor) {
    double along = 0, square = 0;
    for (int c = 0; c < d; ++c) {
      along += slope[c] * x[c];
      square += x[c] * x[c];
    }
    for (int c = 0; c < d; ++c) slope[c] = factor * (slope[c] - along / square * x[c]);
  }
};

}  // namespace

template <class ExecutionSpace>
void differentiate_by_positions(const ExecutionSpace& space,
                                const PointCloudCost<ExecutionSpace>& cost,
                                const ProblemBatch<ExecutionSpace>& problems,
                                const UnbalancedSettings& settings,
                                const UnbalancedSolution<ExecutionSpace>& solution,
                                const Matrix<double, ExecutionSpace>& by_source,
                                const Matrix<double, ExecutionSpace>& by_target) {
  check_unbalanced(settings);
  make_cloud_problems(cost, problems, settings.epsilon);  // throws what does not fit
  const int batch = problems.size();
  if (batch == 0) return;
  check_solution(solution, batch, cost.n(), cost.m());
  const auto one_side = [&](const auto& points, const auto& others, const auto& norm,
                            const auto& potential, const auto& other_potential,
                            const Matrix<double, ExecutionSpace>& gradient, const char* name) {
    if (gradient.extent(1) == 0) return;
    const int count = static_cast<int>(points.extent(0));
    check_rows(name, gradient, batch, count * cost.dimension());
    with_ground_cost(cost.ground_cost(), [&](const auto& typed) {
      const PositionGradient<std::remove_cvref_t<decltype(typed)>, ExecutionSpace> kernel{
          points,           others, norm,    potential, other_potential, solution.mass_potential,
          settings.epsilon, typed,  gradient};
      using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>;
      Kokkos::parallel_for("otfleet::unbalanced::position_gradient",
                           Range(space, 0, static_cast<long>(batch) * count), kernel);
    });
  };
  one_side(cost.x(), cost.y(), cost.x_norm(), solution.f, solution.g, by_source, "by_source");
  one_side(cost.y(), cost.x(), cost.y_norm(), solution.g, solution.f, by_target, "by_target");
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                               \
  template void differentiate_by_positions<Space>(                                               \
      const Space&, const PointCloudCost<Space>&, const ProblemBatch<Space>&,                    \
      const UnbalancedSettings&, const UnbalancedSolution<Space>&, const Matrix<double, Space>&, \
      const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

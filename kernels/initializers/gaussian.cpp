#include "kernels/initializers/gaussian.hpp"

#include <stdexcept>

#include "kernels/backend.hpp"
#include "kernels/initializers/small_matrix.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class ExecutionSpace>
struct GaussianKernel {
  Matrix<const double, ExecutionSpace> source_points, target_points;
  ProblemBatch<ExecutionSpace> problems;
  Matrix<double, ExecutionSpace> f;
  int d;

  /// Mean and covariance of one measure; threads of the team share its points.
  KOKKOS_FUNCTION SmallMatrix moments(const Team<ExecutionSpace>& team,
                                      const Matrix<const double, ExecutionSpace>& points,
                                      const double* weights, double* mean) const {
    const int count = static_cast<int>(points.extent(0));
    SmallMatrix covariance(d);
    for (int p = 0; p < d; ++p)
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, count),
          [&](int i, double& sum) { sum += weights[i] * points(i, p); }, mean[p]);
    for (int p = 0; p < d; ++p)
      for (int q = p; q < d; ++q) {
        double sum = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, count),
            [&](int i, double& part) {
              part += weights[i] * (points(i, p) - mean[p]) * (points(i, q) - mean[q]);
            },
            sum);
        covariance.at[p][q] = covariance.at[q][p] = sum;
      }
    return covariance;
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = team.league_rank();
    const int source = problems.source_index(k), target = problems.target_index(k);
    double mean_a[max_dimension], mean_b[max_dimension];
    const SmallMatrix covariance_a =
        moments(team, source_points, &problems.source.weights(source, 0), mean_a);
    const SmallMatrix covariance_b =
        moments(team, target_points, &problems.target.weights(target, 0), mean_b);
    const SmallMatrix root = covariance_a.root(false), inverse = covariance_a.root(true);
    const SmallMatrix map =
        inverse.times(root.times(covariance_b).times(root).root(false)).times(inverse);
    const auto& points = source_points;
    const auto& result = f;
    const int dimension = d;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, static_cast<int>(points.extent(0))),
                         [&](int i) {
                           double value = 0;
                           for (int p = 0; p < dimension; ++p) {
                             const double x = points(i, p);
                             value += x * x - 2 * mean_b[p] * x;
                             for (int q = 0; q < dimension; ++q)
                               value -= (x - mean_a[p]) * map.at[p][q] * (points(i, q) - mean_a[q]);
                           }
                           result(k, i) = value;
                         });
  }
};

}  // namespace

template <class ExecutionSpace>
void gaussian_initializer(const ExecutionSpace& space,
                          const Matrix<const double, ExecutionSpace>& source_points,
                          const Matrix<const double, ExecutionSpace>& target_points,
                          const ProblemBatch<ExecutionSpace>& problems,
                          const Matrix<double, ExecutionSpace>& f) {
  const int batch = problems.size(), d = static_cast<int>(source_points.extent(1));
  if (batch == 0) return;
  if (d < 1 || d > max_dimension || target_points.extent(1) != source_points.extent(1))
    throw std::invalid_argument("the Gaussian initializer needs points of one to three dimensions");
  if (static_cast<int>(source_points.extent(0)) != problems.source.points() ||
      static_cast<int>(target_points.extent(0)) != problems.target.points() ||
      f.extent(0) != static_cast<std::size_t>(batch) || f.extent(1) != source_points.extent(0))
    throw std::invalid_argument("points, measures and potentials differ in size");
  Kokkos::parallel_for(
      "otfleet::initializers::gaussian",
      Policy<ExecutionSpace>(space, batch, Backend<ExecutionSpace>::team_size, 1),
      GaussianKernel<ExecutionSpace>{source_points, target_points, problems, f, d});
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                          \
  template void gaussian_initializer<Space>(                                                \
      const Space&, const Matrix<const double, Space>&, const Matrix<const double, Space>&, \
      const ProblemBatch<Space>&, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

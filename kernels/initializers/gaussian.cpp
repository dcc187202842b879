#include "kernels/initializers/gaussian.hpp"

#include <stdexcept>
#include <string>

#include "kernels/backend.hpp"
#include "kernels/initializers/measure_moments.hpp"
#include "kernels/initializers/settings.hpp"
#include "kernels/initializers/small_matrix.hpp"
#include "kernels/initializers/start_batch.hpp"
#include "kernels/initializers/wide_gaussian.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Of few dimensions: one launch, matrices in the registers of a team.
template <class ExecutionSpace>
struct GaussianKernel {
  StartBatch<ExecutionSpace> problems;
  int d;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = team.league_rank();
    const int source = problems.source_index(k), target = problems.target_index(k);
    double mean_a[max_dimension], mean_b[max_dimension];
    const SmallMatrix covariance_a = measure_moments(team, problems.source, source, mean_a);
    const SmallMatrix covariance_b = measure_moments(team, problems.target, target, mean_b);
    const SmallMatrix root = covariance_a.root(false), inverse = covariance_a.root(true);
    const SmallMatrix map =
        inverse.times(root.times(covariance_b).times(root).root(false)).times(inverse);
    const double* points = problems.source.points_of(source);
    double* result = problems.start(k);
    const int dimension = d;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, problems.source.size(source)), [&](int i) {
      double value = 0;
      for (int p = 0; p < dimension; ++p) {
        const double x = points[i * dimension + p];
        value += x * x - 2 * mean_b[p] * x;
        for (int q = 0; q < dimension; ++q)
          value -= (x - mean_a[p]) * map.at[p][q] * (points[i * dimension + q] - mean_a[q]);
      }
      result[i] = value;
    });
  }
};

template <class ExecutionSpace>
void run(const ExecutionSpace& space, const StartBatch<ExecutionSpace>& problems) {
  const int d = problems.source.dimension();
  if (d < 1 || d > most_gaussian_dimension || problems.target.dimension() != d)
    throw std::invalid_argument("the Gaussian initializer needs points of 1 to " +
                                std::to_string(most_gaussian_dimension) + " dimensions");
  if (d > max_dimension) return wide_gaussian(space, problems);
  Kokkos::parallel_for(
      "otfleet::initializers::gaussian",
      Policy<ExecutionSpace>(space, problems.size(), Backend<ExecutionSpace>::team_size, 1),
      GaussianKernel<ExecutionSpace>{problems, d});
  space.fence();
}

}  // namespace

template <class ExecutionSpace>
void gaussian_initializer(const ExecutionSpace& space,
                          const Matrix<const double, ExecutionSpace>& source_points,
                          const Matrix<const double, ExecutionSpace>& target_points,
                          const ProblemBatch<ExecutionSpace>& problems,
                          const Matrix<double, ExecutionSpace>& f) {
  if (problems.size() > 0) run(space, start_batch(problems, source_points, target_points, f));
}

template <class ExecutionSpace>
void gaussian_initializer(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                          const Vector<double, ExecutionSpace>& f) {
  if (problems.size() > 0) run(space, start_batch(problems, f));
}

#define OTFLEET_INSTANTIATE(Space)                                                          \
  template void gaussian_initializer<Space>(                                                \
      const Space&, const Matrix<const double, Space>&, const Matrix<const double, Space>&, \
      const ProblemBatch<Space>&, const Matrix<double, Space>&);                            \
  template void gaussian_initializer<Space>(const Space&, const CloudBatch<Space>&,         \
                                            const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

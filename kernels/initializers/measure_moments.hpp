#pragma once
#include "kernels/initializers/small_matrix.hpp"
#include "kernels/initializers/start_batch.hpp"

namespace otfleet::kernels {

/// The mean [d] and the covariance of a measure on points of at most max_dimension coordinates;
/// threads of the team share its points.
template <class ExecutionSpace>
KOKKOS_FUNCTION SmallMatrix measure_moments(const Team<ExecutionSpace>& team,
                                            const PointMeasures<ExecutionSpace>& measures,
                                            int measure, double* mean) {
  const int count = measures.size(measure), d = measures.dimension();
  const double* weights = measures.weights_of(measure);
  const double* points = measures.points_of(measure);
  SmallMatrix covariance(d);
  for (int p = 0; p < d; ++p)
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, count),
        [&](int i, double& sum) { sum += weights[i] * points[i * d + p]; }, mean[p]);
  for (int p = 0; p < d; ++p)
    for (int q = p; q < d; ++q) {
      double sum = 0;
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, count),
          [&](int i, double& part) {
            part += weights[i] * (points[i * d + p] - mean[p]) * (points[i * d + q] - mean[q]);
          },
          sum);
      covariance.at[p][q] = covariance.at[q][p] = sum;
    }
  return covariance;
}

}  // namespace otfleet::kernels

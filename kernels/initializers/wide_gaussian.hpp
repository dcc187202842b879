#pragma once
#include <algorithm>
#include <map>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/host_values.hpp"
#include "kernels/initializers/start_batch.hpp"
#include "kernels/wide_symmetric_matrix.hpp"

// The Gaussian initializer in dimensions for which a team's own memory is too small: moments and
// potentials on the device, matrices on the host.

namespace otfleet::kernels {

/// Means and covariances of measures: row s has d means, then d × d covariances.
template <class ExecutionSpace>
struct MomentKernel {
  PointMeasures<ExecutionSpace> measures;
  Vector<const int, ExecutionSpace> named;
  Matrix<double, ExecutionSpace> moments;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int row = team.league_rank(), measure = named(row), d = measures.dimension();
    const int count = measures.size(measure);
    const double* weights = measures.weights_of(measure);
    const double* points = measures.points_of(measure);
    double* const mean = &moments(row, 0);
    double* const covariance = mean + d;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, d), [&](int p) {
      double sum = 0;
      for (int i = 0; i < count; ++i) sum += weights[i] * points[i * d + p];
      mean[p] = sum;
    });
    team.team_barrier();
    // A row of the covariance by one thread, point after point.
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, d), [&](int p) {
      double* const own = covariance + p * d;
      for (int q = 0; q < d; ++q) own[q] = 0;
      for (int i = 0; i < count; ++i) {
        const double* const x = points + i * d;
        const double factor = weights[i] * (x[p] - mean[p]);
        for (int q = 0; q < d; ++q) own[q] += factor * (x[q] - mean[q]);
      }
    });
  }
};

struct WideMoments {
  std::vector<double> mean;
  WideSymmetricMatrix covariance;
};

/// Of the measures that `index` names, by measure.
template <class ExecutionSpace>
std::map<int, WideMoments> wide_moments(const ExecutionSpace& space,
                                        const PointMeasures<ExecutionSpace>& measures,
                                        const std::vector<int>& index) {
  std::vector<int> named = index;
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  const auto d = static_cast<std::size_t>(measures.dimension());
  const Matrix<double, ExecutionSpace> moments("otfleet::initializers::moments", named.size(),
                                               d + d * d);
  Kokkos::parallel_for(
      "otfleet::initializers::moments",
      Policy<ExecutionSpace>(space, static_cast<int>(named.size()),
                             Backend<ExecutionSpace>::team_size, 1),
      MomentKernel<ExecutionSpace>{
          measures, copy_to_device<ExecutionSpace>("otfleet::initializers::list", named), moments});
  space.fence();
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), moments);
  std::map<int, WideMoments> result;
  for (std::size_t s = 0; s < named.size(); ++s) {
    WideMoments one{{}, WideSymmetricMatrix(d)};
    for (std::size_t p = 0; p < d; ++p) {
      one.mean.push_back(host(s, p));
      for (std::size_t q = 0; q < d; ++q) one.covariance.at(p, q) = host(s, d + p * d + q);
    }
    result.emplace(named[s], std::move(one));
  }
  return result;
}

/// f(x) = |x|² − (x − m_a)' map (x − m_a) − 2 m_b' x; row k of `forms` has m_a, m_b and the map of
/// problem first + k.
template <class ExecutionSpace>
struct QuadraticKernel {
  StartBatch<ExecutionSpace> problems;
  int first;
  Matrix<const double, ExecutionSpace> forms;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int k = first + team.league_rank(), source = problems.source_index(k);
    const int d = problems.source.dimension();
    const double* const points = problems.source.points_of(source);
    const double* const mean_a = &forms(team.league_rank(), 0);
    const double *const mean_b = mean_a + d, *const map = mean_b + d;
    double* const f = problems.start(k);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, problems.source.size(source)), [&](int i) {
      const double* const x = points + i * d;
      double value = 0;
      for (int p = 0; p < d; ++p) {
        double mapped = 0;
        for (int q = 0; q < d; ++q) mapped += map[p * d + q] * (x[q] - mean_a[q]);
        value += x[p] * x[p] - 2 * mean_b[p] * x[p] - (x[p] - mean_a[p]) * mapped;
      }
      f[i] = value;
    });
  }
};

/// gaussian_initializer() of any dimension; problems in groups, so that their maps are few.
template <class ExecutionSpace>
void wide_gaussian(const ExecutionSpace& space, const StartBatch<ExecutionSpace>& problems) {
  constexpr int group = 64;
  const auto sources = indices_on_host(problems.source_index),
             targets = indices_on_host(problems.target_index);
  const auto source_moments = wide_moments(space, problems.source, sources);
  const auto target_moments = wide_moments(space, problems.target, targets);
  struct Roots {
    WideSymmetricMatrix root, inverse;
  };
  std::map<int, Roots> roots;
  for (const auto& [measure, moments] : source_moments)
    roots.emplace(measure, Roots{moments.covariance.root(false), moments.covariance.root(true)});
  const int d = problems.source.dimension(), all = problems.size();
  for (int first = 0; first < all; first += group) {
    const int count = std::min(group, all - first);
    std::vector<double> forms;
    for (int k = first; k < first + count; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const WideMoments &a = source_moments.at(sources[at]), &b = target_moments.at(targets[at]);
      const Roots& of_a = roots.at(sources[at]);
      const auto map = b.covariance.between(of_a.root).root(false).between(of_a.inverse);
      forms.insert(forms.end(), a.mean.begin(), a.mean.end());
      forms.insert(forms.end(), b.mean.begin(), b.mean.end());
      forms.insert(forms.end(), map.values().begin(), map.values().end());
    }
    const auto flat = copy_to_device<ExecutionSpace>("otfleet::initializers::forms", forms);
    Kokkos::parallel_for(
        "otfleet::initializers::wide_gaussian",
        Policy<ExecutionSpace>(space, count, Backend<ExecutionSpace>::team_size, 1),
        QuadraticKernel<ExecutionSpace>{
            problems, first,
            Matrix<const double, ExecutionSpace>(flat.data(), count, 2 * d + d * d)});
    space.fence();
  }
}

}  // namespace otfleet::kernels

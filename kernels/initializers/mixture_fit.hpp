#pragma once
#include "kernels/backend.hpp"
#include "kernels/initializers/small_matrix.hpp"
#include "kernels/initializers/start_batch.hpp"

// Mixtures of Gaussians fitted to measures by weighted k-means.

namespace otfleet::kernels {

inline constexpr int max_components = 16;

struct GaussianComponent {
  double share = 0;  ///< of the mass; 0: no component
  double mean[max_dimension] = {};
  SmallMatrix covariance, root, inverse_root;
};

/// Of the measures that a batch names.
template <class ExecutionSpace>
struct Mixtures {
  Vector<const int, ExecutionSpace> row;  ///< [M], of a measure in `components`; −1: not named
  Matrix<const GaussianComponent, ExecutionSpace> components;
};

KOKKOS_INLINE_FUNCTION double squared_distance(const double* x, const double* y, int d) {
  double sum = 0;
  for (int p = 0; p < d; ++p) sum += (x[p] - y[p]) * (x[p] - y[p]);
  return sum;
}

/// The component with the nearest mean, the first of several; `components` [count].
KOKKOS_INLINE_FUNCTION int nearest_component(const GaussianComponent* components, int count,
                                             const double* x, int d) {
  int nearest = 0;
  double least = Kokkos::Experimental::infinity<double>::value;
  for (int c = 0; c < count; ++c) {
    if (!(components[c].share > 0)) continue;
    const double distance = squared_distance(x, components[c].mean, d);
    if (distance < least) {
      least = distance;
      nearest = c;
    }
  }
  return nearest;
}

/// One team a measure. A component is summed by one thread, point after point, so that results do
/// not depend on the number of threads.
template <class ExecutionSpace>
struct MixtureFit {
  PointMeasures<ExecutionSpace> measures;
  Vector<const int, ExecutionSpace> named;  ///< [rows], measures to fit
  int components, iterations;
  Matrix<GaussianComponent, ExecutionSpace> fitted;
  Matrix<int, ExecutionSpace> label, support;  ///< [teams, largest], working memory

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    for (int row = team.league_rank(); row < static_cast<int>(named.extent(0));
         row += team.league_size())
      fit(team, row);
  }

  KOKKOS_FUNCTION void fit(const Team<ExecutionSpace>& team, int row) const {
    const int measure = named(row), d = measures.dimension(), points = measures.size(measure);
    const double* weights = measures.weights_of(measure);
    const double* x = measures.points_of(measure);
    int* labels = &label(team.league_rank(), 0);
    int* at = &support(team.league_rank(), 0);
    GaussianComponent* found = &fitted(row, 0);
    int count = 0;
    Kokkos::parallel_scan(Kokkos::TeamThreadRange(team, points),
                          [&](int i, int& before, bool last) {
                            if (!(weights[i] > 0)) return;
                            if (last) {
                              at[before] = i;
                              labels[before] = 0;
                            }
                            ++before;
                          });
    team.team_barrier();  // points were listed by other threads
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, points), [&](int i, int& sum) { sum += weights[i] > 0; },
        count);
    for (int clusters = 1; clusters < components; clusters *= 2) {
      summarize(team, found, clusters, weights, x, at, labels, count, true);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), [&](int s) {
        const GaussianComponent& cluster = found[labels[s]];
        double along = 0;  // the principal axis lies in the row of root that summarize() made
        for (int p = 0; p < d; ++p)
          along += (x[at[s] * d + p] - cluster.mean[p]) * cluster.root.at[0][p];
        labels[s] = 2 * labels[s] + (along > 0);
      });
      team.team_barrier();
    }
    for (int t = 0; t < iterations && components > 1; ++t) {
      summarize(team, found, components, weights, x, at, labels, count, false);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), [&](int s) {
        labels[s] = nearest_component(found, components, x + at[s] * d, d);
      });
      team.team_barrier();
    }
    summarize(team, found, components, weights, x, at, labels, count, true);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, components), [&](int c) {
      found[c].root = found[c].covariance.root(false);
      found[c].inverse_root = found[c].covariance.root(true);
    });
    team.team_barrier();
  }

  /// Shares and means of the clusters; with `spread` covariances, and the principal axis in row 0
  /// of `root`.
  KOKKOS_FUNCTION void summarize(const Team<ExecutionSpace>& team, GaussianComponent* found,
                                 int clusters, const double* weights, const double* x,
                                 const int* at, const int* labels, int count, bool spread) const {
    const int d = measures.dimension();
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, clusters), [&](int c) {
      GaussianComponent one;
      one.covariance = one.root = SmallMatrix(d);
      for (int s = 0; s < count; ++s) {
        if (labels[s] != c) continue;
        const double weight = weights[at[s]];
        one.share += weight;
        for (int p = 0; p < d; ++p) one.mean[p] += weight * x[at[s] * d + p];
      }
      // A share so small that 1/share overflows is none.
      if (!(one.share > 1e-290)) one.share = 0;
      for (int p = 0; p < d; ++p) one.mean[p] = one.share > 0 ? one.mean[p] / one.share : 0.0;
      for (int s = 0; spread && one.share > 0 && s < count; ++s) {
        if (labels[s] != c) continue;
        const double weight = weights[at[s]] / one.share;
        for (int p = 0; p < d; ++p)
          for (int q = 0; q < d; ++q)
            one.covariance.at[p][q] +=
                weight * (x[at[s] * d + p] - one.mean[p]) * (x[at[s] * d + q] - one.mean[q]);
      }
      if (spread) {
        double values[max_dimension];
        SmallMatrix vectors;
        one.covariance.diagonalize(values, vectors);
        int widest = 0;
        for (int p = 1; p < d; ++p) widest = values[p] > values[widest] ? p : widest;
        for (int p = 0; p < d; ++p) one.root.at[0][p] = vectors.at[p][widest];
      }
      found[c] = one;
    });
    team.team_barrier();
  }
};

/// Fits the rows of `measures` that `index` names.
template <class ExecutionSpace>
Mixtures<ExecutionSpace> fit_mixtures(const ExecutionSpace& space,
                                      const PointMeasures<ExecutionSpace>& measures,
                                      const Vector<const int, ExecutionSpace>& index,
                                      int components, int iterations) {
  const int count = measures.count();
  const Vector<int, ExecutionSpace> row("otfleet::initializers::mixture_row", count);
  const Vector<int, ExecutionSpace> all("otfleet::initializers::named_measures", count);
  Kokkos::parallel_for(
      "otfleet::initializers::mark_measures",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(index.extent(0))),
      KOKKOS_LAMBDA(int k) { Kokkos::atomic_exchange(&row(index(k)), 1); });
  int named = 0;
  Kokkos::parallel_scan(
      "otfleet::initializers::list_measures", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int measure, int& before, bool last) {
        const bool wanted = row(measure) != 0;
        if (last && wanted) all(before) = measure;
        if (last) row(measure) = wanted ? before : -1;
        if (wanted) ++before;
      },
      named);
  space.fence();
  const Matrix<GaussianComponent, ExecutionSpace> fitted("otfleet::initializers::mixtures", named,
                                                         components);
  const int teams = named < concurrent_teams(space) ? named : concurrent_teams(space);
  const Matrix<int, ExecutionSpace> label("otfleet::initializers::label", teams, measures.largest);
  const Matrix<int, ExecutionSpace> support("otfleet::initializers::support", teams,
                                            measures.largest);
  Kokkos::parallel_for(
      "otfleet::initializers::fit_mixtures",
      Policy<ExecutionSpace>(space, teams, Backend<ExecutionSpace>::team_size, 1),
      MixtureFit<ExecutionSpace>{measures, Kokkos::subview(all, Kokkos::make_pair(0, named)),
                                 components, iterations, fitted, label, support});
  space.fence();
  return {row, fitted};
}

}  // namespace otfleet::kernels

#pragma once
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/host_values.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"

// Problems between measures of few points each, many at a time: a pass over the pairs of one of
// them would be over before it is launched. One lane of a tile holds one problem with its points,
// one launch solves them all; which lanes meet changes no bit of what they find.

namespace otfleet::kernels {

/// Is a problem with so many points on its larger side taken in a lane of a tile?
template <class ExecutionSpace>
bool is_small_cloud(int points, int dimension) {
  using Tuned = Backend<ExecutionSpace>;
  return points <= Tuned::most_small_points && points <= Tuned::most_small_coordinates / dimension;
}

template <class ExecutionSpace>
bool is_small_matrix(int n, int m) {
  using Tuned = Backend<ExecutionSpace>;
  return n <= Tuned::most_small_points && m <= Tuned::most_small_points &&
         n * m <= Tuned::most_small_entries;
}

/// One problem; arrays are [source, target].
struct SmallProblem {
  std::int64_t first[2];  ///< row of the measure's first point
  std::int64_t begin[2];  ///< of the problem's entries in arrays over the points of a side
  int size[2], measure[2];
  double mass;              ///< what figures are multiplied by: weights are shares of it
  double bound;             ///< no cost is larger
  double rounding;          ///< no computed cost is further off, see cost_rounding()
  double low;               ///< taken off every cost that is stored
  std::int64_t first_cost;  ///< of those
  int k;                    ///< in the batch
};

/// Problems of one batch as kernels see them, in an order in which neighbors have similar sizes,
/// large ones first. Must not outlive the batch.
template <class ExecutionSpace>
struct SmallClouds {
  struct Side {
    const double* weights = nullptr;
    Matrix<const double, ExecutionSpace> points, means;
    int most = 0;  ///< points of a measure
  };
  Vector<const SmallProblem, ExecutionSpace> problems;
  Side side[2];                   ///< source, target
  const double* costs = nullptr;  ///< stored matrices, row-major; null: costs are between points

  KOKKOS_FUNCTION int size() const { return static_cast<int>(problems.extent(0)); }
  KOKKOS_FUNCTION bool has_costs() const { return costs != nullptr; }
  /// The stored cost between two points of a problem.
  KOKKOS_FUNCTION double cost(const SmallProblem& problem, int i, int j) const {
    return costs[problem.first_cost + static_cast<std::int64_t>(i) * problem.size[1] + j] -
           problem.low;
  }
  KOKKOS_FUNCTION int dimension() const { return static_cast<int>(side[0].points.extent(1)); }
  /// Coordinate k of point i of a problem's measure, moved to the problem's center.
  KOKKOS_FUNCTION double coordinate(const SmallProblem& problem, int s, int i, int k) const {
    const double x = side[s].points(problem.first[s] + i, k);
    if (side[0].means.extent(0) == 0) return x;
    const double n = problem.size[0], m = problem.size[1];
    return x - (n / (n + m) * side[0].means(problem.measure[0], k) +
                m / (n + m) * side[1].means(problem.measure[1], k));
  }
  /// Weight of point i, as a share of the measure's mass.
  KOKKOS_FUNCTION double weight(const SmallProblem& problem, int s, int i) const {
    return side[s].weights[problem.first[s] + i];
  }
};

/// Takes the small problems out of the walk over a batch whose measures have points of their own.
/// The offsets are the batch's.
template <class ExecutionSpace>
SmallClouds<ExecutionSpace> take_small_problems(CloudProblems<ExecutionSpace>& batch,
                                                const std::vector<std::int64_t>& source_offsets,
                                                const std::vector<std::int64_t>& target_offsets) {
  SmallClouds<ExecutionSpace> small;
  if (batch.communicator) return small;
  const BatchSide<ExecutionSpace>* const sides[] = {&batch.source, &batch.target};
  const std::vector<std::int64_t>* const offsets[] = {&source_offsets, &target_offsets};
  for (int s = 0; s < 2; ++s) {
    small.side[s].weights = sides[s]->weights;
    small.side[s].points = sides[s]->points;
    small.side[s].means = sides[s]->means;
  }
  if (batch.matrices.any()) small.costs = batch.matrices.values.data();
  std::vector<SmallProblem> taken;
  batch.in_lanes.assign(static_cast<std::size_t>(batch.size()), false);
  for (int k = 0; k < batch.size(); ++k) {
    SmallProblem problem{};
    problem.k = k;
    problem.mass = batch.source.mass[batch.source.index[k]];
    problem.bound = batch.bound_of(k);
    problem.rounding = batch.rounding_of(k);
    for (int s = 0; s < 2; ++s) {
      const int measure = sides[s]->index[k];
      problem.measure[s] = measure;
      problem.size[s] = sides[s]->size(measure);
      problem.first[s] = sides[s]->first_point(measure);
      problem.begin[s] = (*offsets[s])[k];
    }
    if (!(small.has_costs() ? is_small_matrix<ExecutionSpace>(problem.size[0], problem.size[1])
                            : is_small_cloud<ExecutionSpace>(
                                  std::max(problem.size[0], problem.size[1]), small.dimension())))
      continue;
    if (small.has_costs()) {
      problem.low = batch.taken_off(k);
      problem.first_cost = batch.matrices.begin[batch.matrices.of(k)];
    }
    batch.in_lanes[k] = true;
    for (int s = 0; s < 2; ++s) small.side[s].most = std::max(small.side[s].most, problem.size[s]);
    taken.push_back(problem);
  }
  // Bins of one side from large to small, the other side going down and up in turn. As many bins
  // as tiles in each of them, so that both sizes differ little within a tile.
  const double tiles = static_cast<double>(taken.size()) / Lanes<ExecutionSpace, double>::width;
  const int step = std::max(1, static_cast<int>(small.side[0].most / std::sqrt(tiles + 1)));
  const auto bins = [&](const SmallProblem& problem) {
    const int n = problem.size[0] / step, m = problem.size[1];
    return std::pair{-n, n % 2 == 0 ? m : -m};
  };
  std::stable_sort(taken.begin(), taken.end(),
                   [&](const SmallProblem& x, const SmallProblem& y) { return bins(x) < bins(y); });
  small.problems = copy_to_device<ExecutionSpace>("otfleet::clouds::small_problems", taken);
  return small;
}

}  // namespace otfleet::kernels

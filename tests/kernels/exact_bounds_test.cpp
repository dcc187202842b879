#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/cloud_measures.hpp"
#include "tests/kernels/traps.hpp"

// The bounds of certificates as proofs: lower <= optimum <= upper without any tolerance, on
// problems of whole numbers whose optimum is known exactly.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Whole weights with the sum `total`.
Row whole_weights(Random& random, int count, int total, double zero_share) {
  Row weights(count, 0.0);
  int given = 0;
  while (given < total) {
    const int i = random.integer(0, count - 1);
    if (random.uniform() < zero_share && given > 0) continue;
    const int more = std::min(total - given, random.integer(1, 1 + 2 * total / count));
    weights[i] += more;
    given += more;
  }
  return weights;
}

/// Starts and solutions, good and bad: zeros, noise of several sizes, and what solvers find in
/// double and float.
template <class Batch>
std::vector<Rows> potentials(Random& random, const Batch& batch, int points, double range,
                             const SinkhornSettings& settings) {
  std::vector<Rows> all;
  for (double size : {0.0, 1e-3, 0.3, 10.0}) {
    Rows f;
    for (int k = 0; k < batch.size(); ++k)
      f.push_back(random.uniform_row(points, -size * range, size * range + 1e-300));
    all.push_back(f);
  }
  all.push_back(solve<double>(batch, settings).f);
  all.push_back(solve<float>(batch, settings).f);
  return all;
}

void expect_bounds(const Judgment& judgment, int k, long double exact) {
  EXPECT_LE(static_cast<long double>(judgment.lower_bound[k]), exact);
  EXPECT_GE(static_cast<long double>(judgment.upper_bound[k]), exact);
}

void expect_exact_bounds(Random& random, const HostBatch& batch) {
  const double range = batch.cost.range();
  for (double share : {1e-5, 1e-3, 0.05, 1.0}) {
    SCOPED_TRACE(share);
    const double epsilon = std::max(share * range, 1e-3);
    const auto settings = settings_for(epsilon, 1e-3, 300);
    for (const Rows& f : potentials(random, batch, batch.cost.n(), range, settings)) {
      const auto judgment = judge(batch, epsilon, f);
      for (int k = 0; k < batch.size(); ++k)
        expect_bounds(
            judgment, k,
            exact_integer_cost(batch.sources[batch.source_index[k]],
                               batch.targets[batch.target_index[k]], cost_matrix(batch.cost)));
    }
  }
}

TEST(ExactBounds, dense_costs_with_entries_of_every_size) {
  Random random(71);
  for (double largest : {1.0, 7.0, 1e4, 1e12})
    for (double offset : {0.0, -1000.0, 1e10}) {
      SCOPED_TRACE(std::to_string(largest) + " " + std::to_string(offset));
      const int n = random.integer(2, 17), m = random.integer(2, 17);
      Row costs;
      for (int at = 0; at < n * m; ++at)
        costs.push_back(offset + (random.uniform() < 0.3 ? std::floor(random.uniform() * largest)
                                                         : random.integer(0, 9)));
      HostBatch batch{SeparableCost::dense(n, m, costs)};
      for (int k = 0; k < 9; ++k)
        batch.add(whole_weights(random, n, 64, 0.2), whole_weights(random, m, 64, 0.2));
      expect_exact_bounds(random, batch);
    }
}

TEST(ExactBounds, grids_of_whole_coordinates) {
  Random random(72);
  for (const auto& axes : std::vector<Rows>{{{0, 1, 2, 3, 7, 90}},
                                            {{0, 1, 2}, {5, 3, 9, 1e5}},
                                            {{0, 2}, {1, 4, 9}, {-8, 0, 1, 1000}}}) {
    HostBatch batch{SeparableCost::squared_euclidean_grid(axes)};
    for (int k = 0; k < 9; ++k)
      batch.add(whole_weights(random, batch.cost.n(), 100, 0.3),
                whole_weights(random, batch.cost.m(), 100, 0.3));
    expect_exact_bounds(random, batch);
  }
}

/// Points far from the origin: centers are rounded, and so are the moved points.
HostMeasure whole_measure(Random& random, int points, int dimension, int spread) {
  HostMeasure measure{{}, whole_weights(random, points, 4 * points, 0.1)};
  for (int i = 0; i < points; ++i) {
    Row point;
    for (int d = 0; d < dimension; ++d) point.push_back(1e5 + random.integer(0, spread));
    measure.points.push_back(point);
  }
  return measure;
}

TEST(ExactBounds, small_and_large_clouds) {
  Random random(73);
  for (int points : {1, 9, 40, 150})
    for (int dimension : {1, 3})
      for (int spread : {1, 20, 100000}) {
        SCOPED_TRACE(std::to_string(points) + " " + std::to_string(dimension) + " " +
                     std::to_string(spread));
        HostMeasures batch;
        for (int k = 0; k < (points > 100 ? 1 : 5); ++k) {
          batch.sources.push_back(whole_measure(random, points, dimension, spread));
          batch.targets.push_back(whole_measure(random, points, dimension, spread));
          batch.pair(k, k);
        }
        const double range = dimension * std::pow(spread, 2.0);
        for (double share : {1e-4, 0.02}) {
          const double epsilon = share * range;
          for (const Rows& f :
               potentials(random, batch, points, range, settings_for(epsilon, 1e-3, 100))) {
            const auto judgment = judge(batch, epsilon, f);
            for (int k = 0; k < batch.size(); ++k) {
              const auto clouds = batch.clouds(k);
              expect_bounds(judgment, k,
                            exact_integer_cost(clouds.sources[0], clouds.targets[0],
                                               as_matrix(clouds).cost.axes()[0].values));
              const auto shared = judge(clouds, epsilon, {f[k]});
              expect_bounds(shared, 0,
                            exact_integer_cost(clouds.sources[0], clouds.targets[0],
                                               as_matrix(clouds).cost.axes()[0].values));
            }
          }
        }
      }
}

TEST(ExactBounds, cost_no_digits_where_the_solution_is_exact) {
  HostBatch batch{SeparableCost::dense(3, 3, {0, 1, 4, 1, 0, 1, 4, 1, 0})};
  batch.add({3, 0, 1}, {1, 2, 1});
  const auto judgment =
      judge(batch, 0.01, solve<double>(batch, settings_for(0.01, 1e-12, 10000)).f);
  expect_bounds(judgment, 0, 2);
  EXPECT_NEAR(judgment.lower_bound[0], 2, 1e-10);
  EXPECT_NEAR(judgment.upper_bound[0], 2, 1e-3);
  // An entry that no plan uses takes no digits from the lower bound.
  batch.cost = SeparableCost::dense(3, 3, {0, 1, 1e12, 1, 0, 1, 1e12, 1, 0});
  const auto wide = judge(batch, 0.01, solve<double>(batch, settings_for(0.01, 1e-12, 10000)).f);
  expect_bounds(wide, 0, 2);
  EXPECT_NEAR(wide.lower_bound[0], 2, 1e-10);
}

}  // namespace
}  // namespace otfleet::kernels

#include "kernels/initializers/subsample.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "tests/kernels/cloud_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

Rows pooled_start(const HostBatch& batch, const SubsampleSettings& settings) {
  const Matrix<double, Space> f("otfleet::test::f", batch.size(), batch.cost.n());
  subsample_initializer<Space>(Space(), batch.cost, on_device(batch), settings, f);
  return on_host(f);
}

Rows coreset_start(const HostClouds& clouds, const SubsampleSettings& settings) {
  const HostBatch batch = as_matrix(clouds);
  const int d = static_cast<int>(clouds.x.front().size());
  const Matrix<double, Space> f("otfleet::test::f", batch.size(), batch.cost.n());
  subsample_initializer<Space>(Space(), on_device(clouds.x, d), on_device(clouds.y, d), clouds.cost,
                               on_device(batch), settings, f);
  return on_host(f);
}

/// Smooth bumps on a grid of the unit square.
HostBatch bumps(Random& random, int side, int count, double floor) {
  Row axis;
  for (int i = 0; i < side; ++i) axis.push_back(i / (side - 1.0));
  HostBatch batch{SeparableCost::squared_euclidean_grid({axis, axis})};
  const auto bump = [&] {
    const double y = random.uniform(0.3, 0.7), x = random.uniform(0.3, 0.7);
    Row weights;
    double mass = 0;
    for (double v : axis)
      for (double u : axis) {
        const double w = std::exp(-((v - y) * (v - y) + (u - x) * (u - x)) / 0.02);
        weights.push_back(w > floor ? w : 0);
        mass += weights.back();
      }
    for (double& w : weights) w /= mass;
    return weights;
  };
  for (int k = 0; k < count; ++k) {
    const Row a = bump();
    batch.add(a, bump());
  }
  return batch;
}

/// g of the smaller problem, then f, both from the reference.
Row reference_start(const HostBatch& batch, int k, int stride, double epsilon) {
  const DenseProblem fine = dense_problem(batch, k, epsilon);
  const int side = batch.cost.axes()[0].n, small = (side - 1) / stride + 1;
  const auto group = [&](int i) { return i / side / stride * small + i % side / stride; };
  DenseProblem coarse{small * small,
                      small * small,
                      Row(small * small),
                      Row(small * small),
                      Row(small * small * small * small),
                      epsilon};
  DenseProblem mixed = coarse;
  mixed.n = fine.n;
  mixed.a = fine.a;
  mixed.cost.assign(static_cast<std::size_t>(fine.n) * coarse.m, 0.0);
  Row size(coarse.n);
  for (int i = 0; i < fine.n; ++i) {
    coarse.a[group(i)] += fine.a[i];
    coarse.b[group(i)] += fine.b[i];
    size[group(i)] += 1;
  }
  for (int i = 0; i < fine.n; ++i)
    for (int j = 0; j < fine.m; ++j) {
      mixed.cost[i * coarse.m + group(j)] += fine.c(i, j) / size[group(j)];
      coarse.cost[group(i) * coarse.m + group(j)] += fine.c(i, j) / size[group(i)] / size[group(j)];
    }
  const auto solution = solve_reference(coarse, Row(coarse.n, 0.0), 1e-12, 1, 100000);
  return update_f(mixed, half_step(coarse, solution.f));
}

TEST(SubsampleInitializer, equals_the_reference_on_grids) {
  Random random(91);
  const HostBatch batch = bumps(random, 7, 5, 0.05);
  for (double epsilon : {0.5, 0.05, 2e-3}) {  // the last one outside the scaling path
    const Rows f = pooled_start(batch, {epsilon, 3, 1e-11, 100000});
    for (int k = 0; k < batch.size(); ++k)
      EXPECT_LT(distance_up_to_constant(f[k], reference_start(batch, k, 3, epsilon)), 1e-8)
          << epsilon;
  }
}

TEST(SubsampleInitializer, stride_one_solves_the_problem_itself) {
  Random random(92);
  for (Geometry geometry : all_geometries) {
    const HostBatch batch = random_batch(random, random_cost(random, geometry), 6, 0.3);
    const double epsilon = 0.1;
    const auto judgment = judge(batch, epsilon, pooled_start(batch, {epsilon, 1, 1e-9, 100000}));
    for (double error : judgment.marginal_error) EXPECT_LT(error, 2e-9) << name(geometry);
  }
  for (const GroundCost& kind : tested_costs) {
    HostClouds clouds = random_clouds(random, kind, 30, 21, 3);
    add_random_problems(random, clouds, 3, 0.3);
    const Rows f = coreset_start(clouds, {0.1, 1, 1e-9, 100000});
    for (double error : judge(clouds, 0.1, f).marginal_error) EXPECT_LT(error, 2e-9) << name(kind);
  }
}

TEST(SubsampleInitializer, is_better_than_zeros) {
  Random random(93);
  const HostBatch batch = bumps(random, 16, 6, 0);
  for (double epsilon : {3e-2, 1e-2}) {
    const auto pooled = judge(batch, epsilon, pooled_start(batch, {epsilon, 2, 1e-2, 1000}));
    const auto zeros = judge(batch, epsilon, Rows(6, Row(256, 0.0)));
    for (int k = 0; k < 6; ++k) EXPECT_LT(pooled.marginal_error[k], zeros.marginal_error[k] / 3);
  }
  HostClouds clouds = random_clouds(random, SquaredEuclideanCost(), 300, 200, 2);
  add_random_problems(random, clouds, 3, 0.2);
  const auto coreset = judge(clouds, 0.1, coreset_start(clouds, {0.1, 4, 1e-2, 1000}));
  const auto zeros = judge(clouds, 0.1, Rows(3, Row(300, 0.0)));
  for (int k = 0; k < 3; ++k) EXPECT_LT(coreset.marginal_error[k], zeros.marginal_error[k] / 2);
}

TEST(SubsampleInitializer, degenerate_measures) {
  Random random(94);
  // Strides beyond the size, one point, duplicate points, weights from 1e-300 to 1.
  HostBatch batch = random_batch(random, random_cost(random, Geometry::plane), 3, 0.5);
  const int n = batch.cost.n();
  Row one(n, 0.0), wide(n);
  one[n / 2] = 3;
  for (int i = 0; i < n; ++i) wide[i] = std::pow(10.0, -300.0 * i / n);
  batch.add(one, wide);
  batch.add(wide, one);
  for (int stride : {2, 3, 100}) {
    const Rows f = pooled_start(batch, {1e-2, stride, 0.1, 100});
    for (int k = 0; k < batch.size(); ++k)
      for (int i = 0; i < n; ++i)
        EXPECT_EQ(std::isfinite(f[k][i]), batch.sources[batch.source_index[k]][i] > 0);
  }
  HostClouds clouds = random_clouds(random, EuclideanCost(), 12, 1, 2);
  for (int i = 6; i < 12; ++i) clouds.x[i] = clouds.x[i - 6];
  clouds.add(random.weights(12, 0.4), {1.0});
  for (int stride : {1, 2, 100}) {
    const Rows f = coreset_start(clouds, {1e-2, stride, 0.1, 100});
    for (int i = 0; i < 12; ++i) EXPECT_EQ(std::isfinite(f[0][i]), clouds.sources[0][i] > 0);
  }
}

TEST(SubsampleInitializer, rows_do_not_depend_on_the_batch) {
  Random random(95);
  const HostBatch batch = bumps(random, 12, 9, 0.1);
  const SubsampleSettings settings{1e-2, 2, 0.05, 300};
  const Rows together = pooled_start(batch, settings);
  for (int k = 0; k < 9; ++k) EXPECT_EQ(together[k], pooled_start(batch.subset({k}), settings)[0]);
}

TEST(SubsampleInitializer, sizes_and_arguments) {
  Random random(96);
  const HostBatch none{SeparableCost::dense(3, 2, Row(6, 0.0))};
  HostBatch batch = none;
  batch.add({0.2, 0.3, 0.5}, {0.4, 0.6});
  const auto call = [](const HostBatch& problems, SubsampleSettings settings, int rows) {
    subsample_initializer<Space>(Space(), problems.cost, on_device(problems), settings,
                                 Matrix<double, Space>("otfleet::test::f", rows, 3));
  };
  EXPECT_NO_THROW(call(none, {}, 0));
  EXPECT_NO_THROW(call(batch, {}, 1));
  EXPECT_THROW(call(batch, {}, 2), std::invalid_argument);
  EXPECT_THROW(call(batch, {0, 2, 0.1, 100}, 1), std::invalid_argument);
  EXPECT_THROW(call(batch, {0.1, 0, 0.1, 100}, 1), std::invalid_argument);
  EXPECT_THROW(call(batch, {0.1, 2, 0, 100}, 1), std::invalid_argument);
  EXPECT_THROW(call(batch, {0.1, 2, 0.1, -1}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

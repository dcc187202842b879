#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/host_batch.hpp"

// One instance at a time: what the solver computes. sinkhorn_batch_test.cpp has the batches,
// sinkhorn_edge_test.cpp the extreme inputs.

namespace otfleet::kernels {
namespace {

using namespace test;

SinkhornSettings settings_for(double epsilon, double threshold, int max_iterations,
                              Path path = Path::automatic) {
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = threshold;
  settings.max_iterations = max_iterations;
  settings.path = path;
  return settings;
}

/// Runs `count` iterations, fewer only when an error is exactly zero.
SinkhornSettings exactly(int count, double epsilon, Path path = Path::automatic) {
  return settings_for(epsilon, 1e-300, count, path);
}

Row zeros(const HostBatch& batch) {
  return Row(batch.cost.n(), 0.0);
}

constexpr Path both_paths[] = {Path::scaling, Path::extended};

/// a = (p, 1 − p), b = (q, 1 − q), cost 1 off the diagonal. With x = P_00 the optimum satisfies
/// x (1 − p − q + x) = K (p − x)(q − x), K = exp(2/epsilon), and <C, P> = p + q − 2x.
TEST(Sinkhorn, two_by_two_closed_form) {
  const double p = 0.3, q = 0.6;
  for (double epsilon : {0.2, 1.0, 5.0})
    for (Path path : both_paths) {
      const double k = std::exp(2 / epsilon);
      const double linear = k * (p + q) + 1 - p - q;
      const double x =
          2 * k * p * q / (linear + std::sqrt(linear * linear - 4 * (k - 1) * k * p * q));
      HostBatch batch{SeparableCost::dense(2, 2, {0, 1, 1, 0})};
      batch.add({p, 1 - p}, {q, 1 - q});
      const auto solution = solve<double>(batch, settings_for(epsilon, 1e-13, 1000, path));
      EXPECT_EQ(solution.status[0], Status::converged);
      const auto judgment = judge(batch, epsilon, solution.f);
      EXPECT_NEAR(judgment.transport_cost[0], p + q - 2 * x, 1e-12);
      const double p00 = std::exp((solution.f[0][0] + judgment.g[0][0]) / epsilon);
      EXPECT_NEAR(p00, x, 1e-12);
    }
}

TEST(Sinkhorn, matches_the_reference_after_every_number_of_iterations) {
  Random random(2);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {0.02, 0.1, 1.0})
      for (Path path : both_paths) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 1);
        const auto problem = dense_problem(batch, 0, epsilon);
        for (int count : {0, 1, 2, 7, 40}) {
          const auto settings = exactly(count, epsilon, path);
          const auto solution = solve<double>(batch, settings, nullptr, count + 1);
          const auto expected = solve_reference(problem, zeros(batch), 1e-300, 1, count);
          EXPECT_LT(distance_up_to_constant(solution.f[0], expected.f), 1e-9);
          const int last = std::min(solution.iterations[0], expected.iterations);
          EXPECT_TRUE(last == count || expected.errors[last] < 1e-15) << last;
          for (int t = 0; t <= last; ++t)
            EXPECT_NEAR(solution.errors[0][t], expected.errors[t], 1e-11) << t;
        }
      }
}

TEST(Sinkhorn, stops_where_the_reference_stops) {
  Random random(3);
  for (Geometry geometry : all_geometries)
    for (int repetition = 0; repetition < 10; ++repetition) {
      SCOPED_TRACE(name(geometry));
      const double epsilon = random.uniform(0.02, 0.3), threshold = random.uniform(1e-6, 1e-2);
      const auto batch = random_batch(random, random_cost(random, geometry), 1);
      const auto solution = solve<double>(batch, settings_for(epsilon, threshold, 5000));
      const auto expected =
          solve_reference(dense_problem(batch, 0, epsilon), zeros(batch), threshold, 1, 5000);
      ASSERT_TRUE(expected.converged);
      EXPECT_EQ(solution.status[0], Status::converged);
      EXPECT_NEAR(solution.iterations[0], expected.iterations, 1);
      EXPECT_LT(marginal_error(dense_problem(batch, 0, epsilon), solution.f[0]),
                threshold * (1 + 1e-9));
    }
}

TEST(Sinkhorn, grids_equal_their_dense_matrix) {
  Random random(4);
  const std::vector<std::vector<int>> shapes = {{13}, {3, 7}, {7, 3}, {4, 2, 5}, {1, 6}, {6, 1, 2}};
  for (const auto& shape : shapes)
    for (Path path : both_paths) {
      Rows axes;
      for (int points : shape) axes.push_back(random.uniform_row(points, 0, 1));
      const auto batch = random_batch(random, SeparableCost::squared_euclidean_grid(axes), 2);
      const auto grid = solve<double>(batch, exactly(30, 0.05, path));
      const auto dense = solve<double>(as_dense(batch), exactly(30, 0.05, path));
      for (int k = 0; k < 2; ++k) EXPECT_LT(distance_up_to_constant(grid.f[k], dense.f[k]), 1e-12);
    }
}

/// Errors of float arithmetic: the exponents f/epsilon carry about 1e-7 of range/epsilon, which is
/// 1e-7 of the range in f, and Sinkhorn's map does not enlarge them.
double float_tolerance(const HostBatch& batch, double epsilon, int iterations) {
  return 1e-6 * (batch.cost.range() + epsilon) * (1 + 0.05 * iterations);
}

TEST(Sinkhorn, float_follows_double) {
  Random random(5);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {0.005, 0.1, 1.0})
      for (Path path : {Path::automatic, Path::extended}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 3);
        const auto in_float = solve<float>(batch, exactly(20, epsilon, path));
        const auto in_double = solve<double>(batch, exactly(20, epsilon, path));
        for (int k = 0; k < batch.size(); ++k)
          EXPECT_LT(distance_up_to_constant(in_float.f[k], in_double.f[k]),
                    float_tolerance(batch, epsilon, 20));
      }
}

TEST(Sinkhorn, grid_of_28_by_28) {
  Random random(11);
  Row x;
  for (int i = 0; i < 28; ++i) x.push_back(i / 27.0);
  const auto batch = random_batch(random, SeparableCost::squared_euclidean_grid({x, x}), 1, 0.8);
  for (double epsilon : {0.003, 0.02}) {  // one for either path
    const auto expected =
        solve_reference(dense_problem(batch, 0, epsilon), zeros(batch), 1e-300, 1, 4);
    const auto in_double = solve<double>(batch, exactly(4, epsilon));
    const auto in_float = solve<float>(batch, exactly(4, epsilon));
    EXPECT_LT(distance_up_to_constant(in_double.f[0], expected.f), 1e-11);
    EXPECT_LT(distance_up_to_constant(in_float.f[0], expected.f), 1e-5);
  }
}

/// Starts: zeros, the given f, the Gaussian initializer's f (where the points are known).
template <class Scalar>
void every_start_reaches_the_optimum(double threshold) {
  Random random(6);
  for (Geometry geometry : all_geometries)
    for (Path path : {Path::automatic, Path::extended})
      for (int start = 0; start < 3; ++start) {
        SCOPED_TRACE(name(geometry) + " start " + std::to_string(start));
        const double epsilon = 0.1;
        SeparableCost cost = random_cost(random, geometry);
        Rows f, points;
        if (start == 2) {
          for (int i = 0; i < 9; ++i)
            points.push_back({random.uniform(0, 1), random.uniform(0, 1)});
          Row values;
          for (const Row& x : points)
            for (const Row& y : points)
              values.push_back(std::pow(x[0] - y[0], 2) + std::pow(x[1] - y[1], 2));
          cost = SeparableCost::dense(9, 9, values);
        }
        const auto batch = random_batch(random, cost, 3, 0.2);
        if (start == 1)
          for (int k = 0; k < 3; ++k) f.push_back(random.uniform_row(cost.n(), -2, 2));
        if (start == 2) f = gaussian_start(batch, points, points);
        const auto solution = solve<Scalar>(batch, settings_for(epsilon, threshold, 5000, path),
                                            start == 0 ? nullptr : &f);
        for (int k = 0; k < batch.size(); ++k) {
          EXPECT_EQ(solution.status[k], Status::converged);
          const auto problem = dense_problem(batch, k, epsilon);
          // Float: the error that it measures itself is off by about 1e-6.
          EXPECT_LT(marginal_error(problem, solution.f[k]),
                    threshold + 1e-5 * (sizeof(Scalar) < 8));
          if (sizeof(Scalar) < 8) continue;
          const auto optimum = solve_reference(problem, zeros(batch), 1e-12, 1, 20000);
          EXPECT_LT(distance_up_to_constant(solution.f[k], optimum.f), 1e-6);
        }
      }
}

TEST(Sinkhorn, every_start_reaches_the_optimum_in_double) {
  every_start_reaches_the_optimum<double>(1e-9);
}
TEST(Sinkhorn, every_start_reaches_the_optimum_in_float) {
  every_start_reaches_the_optimum<float>(1e-4);
}

TEST(Sinkhorn, start_shifted_by_a_constant_changes_nothing) {
  Random random(7);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 1);
  const Rows start = {random.uniform_row(batch.cost.n(), -0.1, 0.1)};
  Rows shifted = start;
  for (double& x : shifted[0]) x += 64;  // a power of two: the shift itself rounds little
  for (Path path : both_paths) {
    const auto one = solve<double>(batch, exactly(5, 0.05, path), &start);
    const auto other = solve<double>(batch, exactly(5, 0.05, path), &shifted);
    EXPECT_LT(distance_up_to_constant(one.f[0], other.f[0]), 1e-12);
  }
}

TEST(Sinkhorn, symmetric_problems) {
  Random random(8);
  for (Geometry geometry : {Geometry::line, Geometry::plane, Geometry::space}) {
    HostBatch batch{random_cost(random, geometry)};
    const Row a = random.weights(batch.cost.n());
    batch.add(a, a);
    const auto solution = solve<double>(batch, settings_for(0.05, 1e-12, 5000));
    ASSERT_EQ(solution.status[0], Status::converged);
    // f and g differ by a constant where both measures are the same.
    const auto judgment = judge(batch, 0.05, solution.f);
    EXPECT_LT(distance_up_to_constant(solution.f[0], judgment.g[0]), 1e-9);
    EXPECT_NEAR(judgment.lower_bound[0], 0, 1e-12 + judgment.upper_bound[0]);
  }
}

TEST(Sinkhorn, one_point_on_a_side) {
  for (const auto& [n, m] : {std::pair{1, 5}, {5, 1}, {1, 1}})
    for (Path path : both_paths) {
      Random random(9);
      HostBatch batch{SeparableCost::dense(n, m, random.uniform_row(n * m, 0, 1))};
      batch.add(random.weights(n), random.weights(m));
      const auto solution = solve<double>(batch, settings_for(0.1, 1e-10, 10, path));
      // The only plan is the product; one iteration finds it.
      EXPECT_EQ(solution.status[0], Status::converged);
      EXPECT_LE(solution.iterations[0], 1);
      double product_cost = 0;
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j)
          product_cost +=
              batch.sources[0][i] * batch.targets[0][j] * cost_matrix(batch.cost)[i * m + j];
      const auto judgment = judge(batch, 0.1, solution.f);
      EXPECT_NEAR(judgment.transport_cost[0], product_cost, 1e-12);
      EXPECT_NEAR(judgment.upper_bound[0], product_cost, 1e-12);
      EXPECT_NEAR(judgment.lower_bound[0], product_cost, 1e-12);
    }
}

TEST(Sinkhorn, scales_with_cost_and_mass) {
  Random random(10);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 1);
  const auto base = solve<double>(batch, exactly(25, 0.05));
  for (double factor : {1e-6, 1e6}) {
    std::vector<AxisCost> axes = batch.cost.axes();
    for (AxisCost& axis : axes)
      for (double& c : axis.values) c *= factor;
    HostBatch scaled{SeparableCost(axes), batch.sources, batch.targets, {0}, {0}};
    const auto solution = solve<double>(scaled, exactly(25, 0.05 * factor));
    Row f = solution.f[0];
    for (double& x : f) x /= factor;
    EXPECT_LT(distance_up_to_constant(f, base.f[0]), 1e-9) << factor;

    HostBatch heavy = batch;
    for (double& w : heavy.sources[0]) w *= factor;
    for (double& w : heavy.targets[0]) w *= factor;
    for (Path path : both_paths) {
      const auto with_mass = solve<double>(heavy, exactly(25, 0.05, path), nullptr, 26);
      EXPECT_LT(distance_up_to_constant(with_mass.f[0], base.f[0]), 1e-9) << factor;
      const auto problem = dense_problem(heavy, 0, 0.05);
      const auto expected = solve_reference(problem, zeros(heavy), 1e-300, 1, 25);
      EXPECT_NEAR(with_mass.errors[0][3], expected.errors[3], 1e-9 * expected.errors[3]);
    }
  }
}

}  // namespace
}  // namespace otfleet::kernels

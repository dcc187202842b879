#include "kernels/initializers/previous_epsilon.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/kernels/cloud_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

template <class Scalar = double>
Rows annealed_start(const HostBatch& batch, const PreviousEpsilonSettings& settings) {
  const Matrix<double, Space> f("otfleet::test::f", batch.size(), batch.cost.n());
  previous_epsilon_initializer<Scalar>(Space(), batch.cost, on_device(batch), settings, f);
  return on_host(f);
}

/// The stages by the reference, each to the end.
Row reference_start(const HostBatch& batch, int k, double epsilon, double factor, double largest) {
  DenseProblem problem = dense_problem(batch, k, epsilon);
  std::vector<double> stages;
  for (double one = epsilon * factor; one <= largest; one *= factor) stages.push_back(one);
  Row f(problem.n, 0.0);
  double before = 0;
  const auto move_to = [&](double next) {
    for (int i = 0; i < problem.n; ++i)
      f[i] = problem.a[i] > 0 ? f[i] + (next - before) * log_or_nothing(problem.a[i]) : -infinity;
    before = next;
  };
  for (auto one = stages.rbegin(); one != stages.rend(); ++one) {
    move_to(*one);
    problem.epsilon = *one;
    f = solve_reference(problem, f, 1e-12, 1, 100000).f;
  }
  move_to(epsilon);
  return f;
}

TEST(PreviousEpsilonInitializer, equals_the_reference) {
  Random random(101);
  for (Geometry geometry : all_geometries) {
    const HostBatch batch = random_batch(random, random_cost(random, geometry), 4, 0.3);
    const double largest = batch.cost.range() / 16, epsilon = largest / 5;
    const Rows f = annealed_start(batch, {epsilon, 2, 1e-11, 100000});  // two stages
    for (int k = 0; k < 4; ++k)
      EXPECT_LT(distance_up_to_constant(f[k], reference_start(batch, k, epsilon, 2, largest)),
                1e-8 * batch.cost.range())
          << name(geometry);
  }
}

HostBatch random_clouds_on_a_line(Random& random, int points, int count) {
  Row axis;
  for (int i = 0; i < points; ++i) axis.push_back(i / (points - 1.0));
  return random_batch(random, SeparableCost::squared_euclidean_grid({axis}), count, 0.3);
}

TEST(PreviousEpsilonInitializer, saves_iterations_at_small_epsilon) {
  Random random(102);
  const HostBatch batch = random_clouds_on_a_line(random, 50, 8);
  for (Acceleration acceleration : {Acceleration::none, Acceleration::momentum})
    for (double epsilon : {1e-3, 2e-4}) {
      SinkhornSettings settings;
      settings.epsilon = epsilon;
      settings.max_iterations = 50000;
      settings.acceleration = acceleration;
      PreviousEpsilonSettings stages;
      stages.epsilon = epsilon;
      const Rows start = annealed_start(batch, stages);
      const auto annealed = solve<double>(batch, settings, &start);
      const auto zeros = solve<double>(batch, settings);
      const auto sum = [](const std::vector<int>& counts) {
        return std::accumulate(counts.begin(), counts.end(), 0);
      };
      EXPECT_LT(sum(annealed.iterations), sum(zeros.iterations)) << epsilon;
      for (Status status : annealed.status) EXPECT_EQ(status, Status::converged);
    }
}

TEST(PreviousEpsilonInitializer, at_a_large_epsilon_it_is_epsilon_log_a) {
  Random random(103);
  const HostBatch batch = random_clouds_on_a_line(random, 12, 3);
  const Rows f = annealed_start(batch, {2.0, 4, 0.1, 100});
  for (int k = 0; k < 3; ++k)
    for (int i = 0; i < 12; ++i) {
      const double weight = batch.sources[k][i];
      if (weight > 0)
        EXPECT_NEAR(f[k][i], 2 * std::log(weight), 1e-12);
      else
        EXPECT_EQ(f[k][i], -infinity);
    }
}

TEST(PreviousEpsilonInitializer, clouds_agree_with_their_matrix) {
  Random random(104);
  for (const GroundCost& kind : tested_costs) {
    HostClouds clouds = random_clouds(random, kind, 25, 18, 3);
    add_random_problems(random, clouds, 3, 0.3);
    const HostBatch batch = as_matrix(clouds);
    const auto cost = on_device(clouds);
    // One stage in both, though a bound of costs is not their range.
    const PreviousEpsilonSettings settings{std::min(cost.bound(), batch.cost.range()) / 65, 4,
                                           1e-11, 100000};
    const Matrix<double, Space> f("otfleet::test::f", 3, 25);
    previous_epsilon_initializer<double>(Space(), cost, on_device(batch), settings, f);
    const Matrix<double, Space> by_matrix("otfleet::test::f", 3, 25);
    PreviousEpsilonSettings one = settings;
    one.factor = 4;
    previous_epsilon_initializer<double>(Space(), batch.cost, on_device(batch), one, by_matrix);
    const Rows found = on_host(f), expected = on_host(by_matrix);
    for (int k = 0; k < 3; ++k) {
      const bool same_stages = cost.bound() / 16 < settings.epsilon * 16;
      ASSERT_TRUE(same_stages) << name(kind);
      EXPECT_LT(distance_up_to_constant(found[k], expected[k]), 1e-8) << name(kind);
    }
  }
}

TEST(PreviousEpsilonInitializer, degenerate_measures_stay_finite) {
  Random random(105);
  Row axis = random.uniform_row(10, 0, 1);
  axis[4] = axis[7];
  HostBatch batch{SeparableCost::squared_euclidean_grid({axis})};
  Row one(10, 0.0), wide(10);
  one[2] = 4;
  for (int i = 0; i < 10; ++i) wide[i] = std::pow(10.0, -33.0 * i);
  for (const Row& a : {one, wide, random.weights(10)})
    for (const Row& b : {one, wide, random.weights(10)}) batch.add(a, b);
  for (double epsilon : {1e-2, 1e-4}) {
    PreviousEpsilonSettings settings;
    settings.epsilon = epsilon;
    for (const Rows& f : {annealed_start(batch, settings), annealed_start<float>(batch, settings)})
      for (int k = 0; k < batch.size(); ++k)
        for (int i = 0; i < 10; ++i)
          EXPECT_EQ(std::isfinite(f[k][i]), batch.sources[batch.source_index[k]][i] > 0);
  }
  HostBatch single{SeparableCost::dense(1, 1, {0.3})};
  single.add({1}, {1});
  EXPECT_EQ(annealed_start(single, {})[0][0], 0);
}

TEST(PreviousEpsilonInitializer, rows_do_not_depend_on_the_batch) {
  Random random(106);
  const HostBatch batch = random_clouds_on_a_line(random, 30, 9);
  const Rows together = annealed_start(batch, {1e-3, 4, 0.1, 200});
  for (int k = 0; k < 9; ++k)
    EXPECT_EQ(together[k], annealed_start(batch.subset({k}), {1e-3, 4, 0.1, 200})[0]);
}

TEST(PreviousEpsilonInitializer, sizes_and_arguments) {
  HostBatch batch{SeparableCost::dense(3, 2, Row(6, 0.0))};
  const auto call = [&](PreviousEpsilonSettings settings, int rows) {
    previous_epsilon_initializer<double>(Space(), batch.cost, on_device(batch), settings,
                                         Matrix<double, Space>("otfleet::test::f", rows, 3));
  };
  EXPECT_NO_THROW(call({}, 0));
  batch.add({0.2, 0.3, 0.5}, {0.4, 0.6});
  EXPECT_NO_THROW(call({}, 1));
  EXPECT_THROW(call({}, 2), std::invalid_argument);
  EXPECT_THROW(call({0, 4, 0.1, 200}, 1), std::invalid_argument);
  EXPECT_THROW(call({1e-2, 1, 0.1, 200}, 1), std::invalid_argument);
  EXPECT_THROW(call({1e-2, 4, 0, 200}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

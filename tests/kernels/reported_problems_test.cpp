#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/cloud_batch.hpp"
#include "tests/kernels/unbalanced_reference.hpp"

// Problems that users of other programs reported as wrong, with the right values.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Converged, finite, and the same in float and double, by Sinkhorn's iteration and Newton's
/// method.
struct Answers {
  Row transport_cost, dual_value;
  Rows f, g;
};
Answers solve_every_way(const HostBatch& batch, double epsilon, double threshold) {
  auto settings = test::settings_for(epsilon, threshold, 200000);
  settings.acceleration = Acceleration::momentum;
  NewtonSettings newton;
  newton.epsilon = epsilon;
  newton.threshold = threshold;
  Answers answers;
  for (const Solution& found : {solve<double>(batch, settings), solve<float>(batch, settings),
                                solve_newton(batch, newton)}) {
    const auto judged = judge(batch, epsilon, found.f);
    EXPECT_LE(judged.marginal_error[0], 2 * threshold);
    EXPECT_NEAR(judged.lower_bound[0], judged.transport_cost[0],
                1e-12 * (1 + judged.transport_cost[0]) + 50 * epsilon + threshold);
    for (const Rows* potentials : {&found.f, &judged.g})
      for (const double potential : potentials->front()) EXPECT_FALSE(std::isnan(potential));
    answers.transport_cost.push_back(judged.transport_cost[0]);
    answers.dual_value.push_back(judged.dual_value[0]);
    answers.f.push_back(found.f[0]);
    answers.g.push_back(judged.g[0]);
  }
  return answers;
}

TEST(Reported, unbalanced_with_a_small_epsilon_and_a_large_penalty) {
  HostBatch batch{SeparableCost::dense(2, 2, {0, 1, 1, 0})};
  batch.add({0.3, 0.7}, {0.7, 0.3});
  auto settings = tight(0.01, 100 / 100.01, 100 / 100.01);
  settings.threshold = 1e-7;
  const auto found = solve_unbalanced(batch, settings);
  EXPECT_EQ(found.status[0], Status::converged);
  EXPECT_LT(found.iterations[0], 100);
  const Rows plan = plan_of(unscaled_problem(batch, 0, 0.01), found, 0);
  EXPECT_NEAR(plan[0][0], 0.3015, 5e-5);
  EXPECT_NEAR(plan[0][1], 0, 1e-8);
  EXPECT_NEAR(plan[1][0], 0.3950, 5e-5);
  EXPECT_NEAR(plan[1][1], 0.3015, 5e-5);
  EXPECT_NEAR(found.transported_mass[0], 0.9980, 5e-5);  // the prior is a b'
}

TEST(Reported, unbalanced_clouds_in_thirty_dimensions) {
  Random random(901);
  constexpr int points = 1000, dimension = 30;
  HostClouds clouds;
  for (int i = 0; i < points; ++i) {
    clouds.x.push_back(random.uniform_row(dimension, 0, 1));
    clouds.y.push_back(clouds.x.back());
    for (double& c : clouds.y.back()) c += 0.1;
  }
  clouds.add(Row(points, 1.0 / points), Row(points, 1.0 / points));
  for (const double threshold : {1e-3, 1e-8}) {
    auto settings = tight(1, 0.5, 0.6);
    settings.threshold = threshold;
    const auto found = solve_unbalanced(clouds, settings);
    EXPECT_EQ(found.status[0], Status::converged);
    EXPECT_GE(found.primal_value[0], 0);
    EXPECT_GE(found.primal_value[0], found.dual_value[0]);
    EXPECT_NEAR(found.primal_value[0], found.dual_value[0], threshold);
  }
}

TEST(Reported, softmax_weights_down_to_the_smallest_number) {
  Random random(902);
  constexpr int n = 25;
  HostClouds clouds = random_clouds(random, EuclideanCost(), n, n, 3);
  Row a, b;
  for (int i = 0; i < n; ++i) {
    a.push_back(std::exp(-744.0 * i / (n - 1)));
    b.push_back(std::exp(-30.0 * random.uniform() * (n - i)));
  }
  a[n - 1] = b[0] = 5e-324;
  clouds.add(a, b);
  for (const double epsilon : {1e-3, 0.05}) {
    const auto dense = solve_every_way(as_matrix(clouds), epsilon, 1e-6);
    for (const double cost : dense.transport_cost) EXPECT_NEAR(cost, dense.transport_cost[0], 1e-5);
    const auto settings = test::settings_for(epsilon, 1e-6, 200000);
    for (const auto& found : {solve<double>(clouds, settings), solve<float>(clouds, settings)}) {
      const auto judged = judge(clouds, epsilon, found.f);
      EXPECT_LE(judged.marginal_error[0], 2e-6);
      EXPECT_NEAR(judged.transport_cost[0], dense.transport_cost[0], 1e-5);
      for (int i = 0; i < n; ++i) {
        EXPECT_TRUE(std::isfinite(found.f[0][i])) << i;
        EXPECT_TRUE(std::isfinite(judged.g[0][i])) << i;
      }
    }
  }
}

TEST(Reported, a_long_histogram_with_zeros) {
  constexpr int n = 8342;
  HostClouds clouds;
  Row a, b;
  for (int i = 0; i < n; ++i) {
    const double t = i / (n - 1.0);
    clouds.x.push_back({t});
    a.push_back(i % 3 == 0 ? 0 : std::exp(-std::pow((t - 0.3) / 0.1, 2)));
    b.push_back(i % 5 == 1 || t > 0.9 ? 0 : std::exp(-std::pow((t - 0.6) / 0.15, 2)));
  }
  clouds.y = clouds.x;
  clouds.add(a, b);
  const auto found = solve<double>(clouds, test::settings_for(0.01, 1e-3, 100));
  EXPECT_EQ(found.status[0], Status::converged);
  const auto judged = judge(clouds, 0.01, found.f);
  EXPECT_LE(judged.marginal_error[0], 1e-3);
  const double mass = mass_of(a), exact = 0.09070881;  // what the monotone plan costs
  EXPECT_NEAR(judged.lower_bound[0] / mass, exact, 2e-3);
  EXPECT_LT(judged.lower_bound[0] / mass, exact);
  EXPECT_GT(judged.upper_bound[0] / mass, exact);
  for (int i = 0; i < n; ++i) {
    EXPECT_EQ(std::isfinite(found.f[0][i]), a[i] > 0);
    EXPECT_EQ(std::isfinite(judged.g[0][i]), b[i] > 0);
  }
}

TEST(Reported, distances_between_words_in_float_and_double) {
  HostBatch batch{
      SeparableCost::dense(3, 3, {0, 8800.25, 8712.5, 8801.75, 0, 8790.125, 8688.5, 8899.875, 0})};
  batch.add({0.2, 0.5, 0.3}, {0.6, 0.1, 0.3});
  for (const double epsilon : {10.0, 100.0, 1000.0}) {
    const auto answers = solve_every_way(batch, epsilon, 1e-7);
    for (std::size_t way = 0; way < answers.transport_cost.size(); ++way) {
      EXPECT_NEAR(answers.transport_cost[way] / answers.transport_cost[0], 1, 1e-6);
      EXPECT_NEAR(answers.dual_value[way] / answers.dual_value[0], 1, 1e-6);
    }
    if (epsilon == 10) {
      EXPECT_NEAR(answers.transport_cost[0], 0.4 * 8801.75, 1e-2);
    }
  }
}

TEST(Reported, a_grid_of_side_two_moves_mass_by_the_distance_of_its_nodes) {
  for (const double side : {1.0, 0.7, 3.0}) {
    HostBatch line{SeparableCost::squared_euclidean_grid({{0, side}})};
    line.add({1, 0}, {0, 1});
    HostBatch square{SeparableCost::squared_euclidean_grid({{0, side}, {0, 1}})};
    square.add({1, 0, 0, 0}, {0, 0, 0, 1});
    for (const double epsilon : {1e-5, 1e-2, 1.0}) {
      for (const double cost : solve_every_way(line, epsilon, 1e-9).transport_cost)
        EXPECT_NEAR(cost, side * side, 1e-12);
      for (const double cost : solve_every_way(square, epsilon, 1e-9).transport_cost)
        EXPECT_NEAR(cost, side * side + 1, 1e-12);
    }
  }
}

TEST(Reported, a_grid_of_unsorted_coordinates_without_weight_somewhere) {
  Random random(903);
  const std::vector<Row> axes = {random.uniform_row(6, -2, 2), random.uniform_row(7, -2, 2),
                                 random.uniform_row(11, -2, 2)};
  HostClouds kept;
  Row a = random.weights(6 * 7 * 11), b = random.weights(6 * 7 * 11);
  a[5] = a[200] = b[77] = b[461] = 0;
  Row kept_a, kept_b;
  for (int i = 0; i < 6 * 7 * 11; ++i) {
    const Row point = {axes[0][i / 77], axes[1][i / 11 % 7], axes[2][i % 11]};
    if (a[i] > 0) kept.x.push_back(point), kept_a.push_back(a[i]);
    if (b[i] > 0) kept.y.push_back(point), kept_b.push_back(b[i]);
  }
  kept.add(kept_a, kept_b);
  HostBatch batch{SeparableCost::squared_euclidean_grid(axes)};
  batch.add(a, b);
  const auto settings = test::settings_for(0.1, 1e-6, 20000);
  const auto expected = solve<double>(kept, settings);
  const double cost = judge(kept, 0.1, expected.f).transport_cost[0];
  for (const auto& found : {solve<double>(batch, settings), solve<float>(batch, settings)}) {
    const auto judged = judge(batch, 0.1, found.f);
    EXPECT_NEAR(judged.transport_cost[0], cost, 1e-6);
    Row f;
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(std::isfinite(found.f[0][i]), a[i] > 0);
      if (a[i] > 0) f.push_back(found.f[0][i]);
    }
    EXPECT_LT(distance_up_to_constant(f, expected.f[0]), 1e-4);
  }
}

TEST(Reported, integer_costs_as_epsilon_falls) {
  HostBatch batch{SeparableCost::dense(2, 2, {2, 1, 1, 1})};
  batch.add({0.5, 0.5}, {0.5, 0.5});
  for (const double epsilon : {1e-2, 1e-3, 1e-4, 1e-6}) {
    const auto answers = solve_every_way(batch, epsilon, 1e-7);
    const auto problem = dense_problem(batch, 0, epsilon);
    for (std::size_t way = 0; way < answers.f.size(); ++way) {
      const Row found = plan(problem, answers.f[way], answers.g[way]);
      const Row expected = {0, 0.5, 0.5, 0};
      for (int at = 0; at < 4; ++at) EXPECT_NEAR(found[at], expected[at], 1e-6) << at;
      EXPECT_NEAR(answers.transport_cost[way], 1, 1e-6);
    }
  }
}

}  // namespace
}  // namespace otfleet::kernels

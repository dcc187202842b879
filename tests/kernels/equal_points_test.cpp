#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/cloud_batch.hpp"
#include "tests/kernels/cloud_measures.hpp"

// Points that are equal, nearly equal or opposite: what a cost between them is, wherever it is
// computed.

namespace otfleet::kernels {
namespace {

using namespace test;

/// One point on either side: the plan has one entry, and its cost is the cost of the two points.
HostClouds one_pair(const GroundCost& kind, const Row& x, const Row& y) {
  HostClouds clouds{kind, {x}, {y}};
  clouds.add({1.0}, {1.0});
  return clouds;
}

double cost_of_pair(const HostClouds& clouds) {
  return judge(clouds, 1.0, {{0.0}}).transport_cost[0];
}

Row random_direction(Random& random, int dimension) {
  Row x = random.uniform_row(dimension, -1, 1);
  double norm = 0;
  for (double c : x) norm += c * c;
  for (double& c : x) c /= std::sqrt(norm);
  return x;
}

TEST(EqualPoints, cost_nothing_for_every_ground_cost) {
  Random random(801);
  for (const GroundCost& kind : tested_costs)
    for (int dimension : {1, 2, 3, 7, 64}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(dimension));
      Rows points;
      for (int i = 0; i < 200; ++i) points.push_back(random_direction(random, dimension));
      for (const Row& x : points) {
        const auto clouds = one_pair(kind, x, x);
        ASSERT_EQ(cost_of_pair(clouds), 0);
        ASSERT_NEAR(judge(clouds, 1.0, {{0.0}}).upper_bound[0], 0, 1e-11);  // room for rounding
      }
      // The same in lanes, and one problem at a time.
      for (int size : {1, 200}) {
        HostMeasures batch{kind};
        for (int k = 0; k < size; ++k) batch.sources.push_back({{points[k]}, {1.0}});
        batch.targets = batch.sources;
        for (int k = 0; k < size; ++k) {
          batch.source_index.push_back(k);
          batch.target_index.push_back(k);
        }
        const auto found = judge(batch, 1.0, Rows(static_cast<std::size_t>(size), Row{0.0}));
        for (int k = 0; k < size; ++k) EXPECT_EQ(found.transport_cost[k], 0) << k;
      }
    }
}

/// f_0 − f_1 of two points that go to the first of them is C(0, 0) − C(1, 0) for equal weights.
template <class Scalar>
double found_difference(const GroundCost& kind, const Row& x, const Row& y) {
  HostClouds clouds{kind, {x, y}, {x}};
  clouds.add({0.5, 0.5}, {1.0});
  const auto found = solve<Scalar>(clouds, settings_for(1e-3, 1e-300, 1));
  return found.f[0][1] - found.f[0][0];
}

TEST(EqualPoints, iterations_see_small_angles_in_float_and_double) {
  Random random(802);
  for (int trial = 0; trial < 20; ++trial)
    for (double angle : {1e-3, 1e-2, 0.3, 1.6, 3.0, M_PI - 1e-2, M_PI}) {
      // Coordinates that float holds exactly would be too few: the angle is that of what it holds.
      const double turn = random.uniform(0, 2 * M_PI);
      const Row x = {std::cos(turn), std::sin(turn), 0};
      const Row y = {std::cos(turn + angle), std::sin(turn + angle), 0};
      EXPECT_NEAR(found_difference<double>(GreatCircleCost(), x, y), angle, 2e-15);
      EXPECT_NEAR(found_difference<float>(GreatCircleCost(), x, y), angle, 5e-7);
    }
}

TEST(GreatCircle, is_accurate_at_every_angle) {
  Random random(803);
  for (int dimension : {2, 3, 5})
    for (double angle : {1e-12, 1e-8, 1e-4, 0.1, 1.0, M_PI / 2, 3.0, M_PI - 1e-6, M_PI}) {
      SCOPED_TRACE(std::to_string(dimension) + " " + std::to_string(angle));
      const Row x = random_direction(random, dimension);
      Row y = random_direction(random, dimension);
      double along = 0, rest = 0;
      for (int c = 0; c < dimension; ++c) along += x[c] * y[c];
      for (int c = 0; c < dimension; ++c) rest += std::pow(y[c] - along * x[c], 2);
      for (int c = 0; c < dimension; ++c)
        y[c] = std::cos(angle) * x[c] + std::sin(angle) * (y[c] - along * x[c]) / std::sqrt(rest);
      const auto clouds = one_pair(GreatCircleCost(), x, y);
      EXPECT_NEAR(ground_cost(clouds, x, y), angle, 1e-15);
      EXPECT_NEAR(cost_of_pair(clouds), ground_cost(clouds, x, y), 1e-15);
    }
}

TEST(GreatCircle, has_a_divisor_on_request) {
  Random random(804);
  for (double divisor : {1 + 1e-4, 1.5, 10.0})
    for (int trial = 0; trial < 20; ++trial) {
      const Row x = random_direction(random, 3), y = random_direction(random, 3);
      const auto apart = one_pair(GreatCircleCost(divisor), x, y);
      EXPECT_NEAR(cost_of_pair(apart), ground_cost(apart, x, y), 1e-14);
      const auto equal = one_pair(GreatCircleCost(divisor), x, x);
      EXPECT_NEAR(cost_of_pair(equal), std::acos(1 / divisor), 1e-14);
    }
  const auto refused = one_pair(GreatCircleCost(0.5), {1, 0}, {1, 0});
  EXPECT_THROW(on_device(refused), std::invalid_argument);
}

TEST(GreatCircle, with_a_divisor_is_solved_as_the_matrix_is) {
  Random random(805);
  auto clouds = random_clouds(random, GreatCircleCost(), 30, 25, 3);
  clouds.cost = GreatCircleCost(1 + 1e-4);
  add_random_problems(random, clouds, 2);
  const auto settings = settings_for(0.01, 1e-300, 20);
  const auto found = solve<double>(clouds, settings), in_float = solve<float>(clouds, settings);
  const auto expected = solve<double>(as_matrix(clouds), settings);
  for (int k = 0; k < clouds.size(); ++k) {
    EXPECT_LT(distance_up_to_constant(found.f[k], expected.f[k]), 1e-12);
    EXPECT_LT(distance_up_to_constant(in_float.f[k], expected.f[k]), 1e-5);
  }
}

}  // namespace
}  // namespace otfleet::kernels

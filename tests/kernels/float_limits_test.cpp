#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/cloud_batch.hpp"

// What floats can and cannot do on clouds: they say so, and certificates, in double, agree.

namespace otfleet::kernels {
namespace {

using namespace test;

/// n points within `width` of each other in every coordinate, far from the origin.
Rows close_points(Random& random, int n, int dimension, double width) {
  Rows points;
  for (int i = 0; i < n; ++i) points.push_back(random.uniform_row(dimension, 5, 5 + width));
  return points;
}

/// The dual value of one problem, potentials found in floats.
double value_in_floats(const GroundCost& cost, const Rows& x, const Rows& y, double epsilon) {
  HostClouds clouds{cost, x, y};
  clouds.add(Row(x.size(), 1.0 / static_cast<double>(x.size())),
             Row(y.size(), 1.0 / static_cast<double>(y.size())));
  const auto found = solve<float>(clouds, settings_for(epsilon, 1e-6, 2000));
  return judge(clouds, epsilon, found.f).dual_value[0];
}

/// Points in many dimensions that lie close together: differences of large numbers would make a
/// divergence negative. Its true value is small and above 0.
TEST(FloatLimits, divergences_of_close_points_in_many_dimensions_are_not_negative) {
  Random random(411);
  for (const double epsilon : {0.01, 0.1, 1.0}) {
    SCOPED_TRACE(epsilon);
    const GroundCost cost = SquaredEuclideanCost();
    const double width = 0.25 / std::sqrt(160.0);
    const auto x = close_points(random, 50, 160, width), y = close_points(random, 50, 160, width);
    const double divergence =
        value_in_floats(cost, x, y, epsilon) -
        0.5 * (value_in_floats(cost, x, x, epsilon) + value_in_floats(cost, y, y, epsilon));
    EXPECT_GT(divergence, -1e-6);
    EXPECT_LT(divergence, 0.25 * 0.25);
    const double same = value_in_floats(cost, x, x, epsilon);
    EXPECT_NEAR(value_in_floats(cost, x, Rows(x.rbegin(), x.rend()), epsilon), same, 1e-6);
  }
}

/// Images as points, pixels from 0 to 1, many of them 0: from an epsilon at which floats reach what
/// is asked for to one at which a plan is nearly an assignment.
TEST(FloatLimits, images_as_points_converge_or_say_that_floats_end) {
  Random random(412);
  const auto images = [&](int count) {
    Rows points;
    for (int i = 0; i < count; ++i) {
      Row pixels = random.uniform_row(784, -2, 1);
      for (double& pixel : pixels) pixel = pixel > 0 ? pixel : 0;
      points.push_back(pixels);
    }
    return points;
  };
  HostClouds clouds{SquaredEuclideanCost(), images(100), images(100)};
  clouds.add(Row(100, 0.01), Row(100, 0.01));
  constexpr double mean_cost = 784 * (2.0 / 9 - 2.0 / 36);
  for (const double share : {1.0, 1e-1, 1e-2, 1e-3, 1e-4}) {
    SCOPED_TRACE(share);
    const double epsilon = share * mean_cost;
    auto settings = settings_for(epsilon, 1e-6, 5000);
    settings.acceleration = Acceleration::momentum;
    const auto found = solve<float>(clouds, settings);
    const auto status = found.status[0];
    EXPECT_TRUE(status == Status::converged || status == Status::precision_limit ||
                status == Status::iteration_limit)
        << static_cast<int>(status);
    if (share >= 1e-1) {
      EXPECT_EQ(status, Status::converged);
    }
    // What it is off by in double: what was asked for, or what floats leave.
    const double error = judge(clouds, epsilon, found.f).marginal_error[0];
    const double scale = 1 / (epsilon * std::log(2.0));
    const double most = rounding_error<float>(scale * 784);
    if (status == Status::converged) {
      EXPECT_LT(error, 1e-6 + most);
    } else if (status == Status::precision_limit) {
      EXPECT_LT(error, 2 * most);
    }
  }
}

/// Weights from 1e-12 to 1: the small ones are fitted, too.
TEST(FloatLimits, weights_over_twelve_orders_of_magnitude) {
  Random random(413);
  constexpr int n = 3000;
  auto clouds = random_clouds(random, SquaredEuclideanCost(), n, n, 3);
  Row a(n), b(n);
  for (Row* weights : {&a, &b}) {
    double sum = 0;
    for (double& w : *weights) sum += w = std::pow(10.0, random.uniform(-12, 0));
    for (double& w : *weights) w /= sum;
  }
  clouds.add(a, b);
  const double epsilon = 0.2;
  const auto settings = settings_for(epsilon, 1e-4, 500);
  const auto found = solve<float>(clouds, settings);
  EXPECT_EQ(found.status[0], Status::converged);
  const auto judged = judge(clouds, epsilon, found.f);
  EXPECT_LT(judged.marginal_error[0], 1.1e-4);
  const auto expected = solve<double>(clouds, settings);
  EXPECT_LT(distance_up_to_constant(found.f[0], expected.f[0]), 1e-3 * epsilon);
}

}  // namespace
}  // namespace otfleet::kernels

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "kernels/solvers/newton/newton.hpp"
#include "tests/kernels/cloud_batch.hpp"

// Costs that are large beside epsilon, up to the ratio of 1e15 that exponents hold.

namespace otfleet::kernels {
namespace {

using namespace test;

Solution solve_newton(const HostBatch& batch, double epsilon, double threshold) {
  NewtonSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = threshold;
  const auto f = on_device(Rows(batch.size(), Row(batch.cost.n(), 0.0)), batch.cost.n());
  const Vector<int, Space> iterations("otfleet::test::iterations", batch.size());
  const Vector<int, Space> status("otfleet::test::status", batch.size());
  newton<Space>(Space(), batch.cost, on_device(batch), settings, true, f, iterations, status);
  return {on_host(f), {}, {}, {}};
}

/// Three points whose optimum, 0.42 of the unit, is known: a point of weight 0 on one side.
HostBatch three_points(double unit) {
  HostBatch batch{SeparableCost::dense(
      3, 3, {0, 1 * unit, .4 * unit, 1 * unit, 0, .7 * unit, .4 * unit, .7 * unit, 0})};
  batch.add({.5, .5, 0}, {.3, .3, .4});
  return batch;
}

TEST(SmallEpsilon, is_solved_as_well_as_doubles_allow) {
  for (double unit : {1e2, 1e5, 1e8, 1e10, 1e12, 1e13}) {
    SCOPED_TRACE(unit);
    const double epsilon = 1e-2, ratio = unit / epsilon;
    const auto batch = three_points(unit);
    // A potential's last digit is worth this share of a weight.
    const double digit = 1e-16 * ratio, threshold = std::max(1e-6, digit);
    const auto judged = judge(batch, epsilon, solve_newton(batch, epsilon, threshold).f);
    EXPECT_LT(judged.marginal_error[0], threshold);
    EXPECT_NEAR(judged.transport_cost[0] / unit, .22, .1 * threshold + 1e-14);
    EXPECT_NEAR(judged.lower_bound[0] / unit, .22, 30 / ratio + 1e-12);
    EXPECT_NEAR(judged.upper_bound[0] / unit, .22, 2 * threshold + 30 / ratio);
    for (double g : judged.g[0]) EXPECT_TRUE(std::isfinite(g));
  }
}

TEST(SmallEpsilon, random_problems_in_double) {
  Random random(81);
  for (Geometry geometry : all_geometries)
    for (double ratio : {1e6, 1e9, 1e11}) {
      SCOPED_TRACE(name(geometry) + " " + std::to_string(ratio));
      const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.2);
      const double epsilon = batch.cost.range() / ratio;
      const double threshold = std::max(1e-6, 1e-15 * ratio);
      const auto judged = judge(batch, epsilon, solve_newton(batch, epsilon, threshold).f);
      for (int k = 0; k < batch.size(); ++k) {
        const double exact = exact_cost(dense_problem(batch, k, epsilon));
        const double close = 1e-10 * (std::abs(batch.cost.minimum()) + batch.cost.range());
        EXPECT_LT(judged.marginal_error[k], threshold);
        EXPECT_NEAR(judged.upper_bound[k], exact, close + threshold * batch.cost.range());
        EXPECT_NEAR(judged.lower_bound[k], exact, close + batch.cost.range() * 10 / ratio);
      }
    }
}

/// What float cannot count is counted in double.
TEST(SmallEpsilon, sinkhorn_in_float_and_double_stays_finite) {
  for (double unit : {1e2, 1e5, 1e8, 1e13}) {
    SCOPED_TRACE(unit);
    const auto batch = three_points(unit);
    const auto settings = settings_for(1e-2, 1e-6, 50);
    for (const auto& f : {solve<double>(batch, settings).f, solve<float>(batch, settings).f}) {
      const auto judged = judge(batch, 1e-2, f);
      EXPECT_TRUE(std::isfinite(judged.marginal_error[0]));
      EXPECT_LE(judged.lower_bound[0], .22 * unit);
      EXPECT_GE(judged.upper_bound[0], .22 * unit);
    }
  }
}

TEST(SmallEpsilon, beyond_the_exponents_it_is_refused_by_name) {
  const auto refusal = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  const auto batch = three_points(1e14);
  const std::string expected =
      "epsilon = 0.01 is too small for costs that differ by 1e+14: take 0.101 or more";
  EXPECT_EQ(refusal([&] { solve<double>(batch, settings_for(1e-2, 1e-3, 10)); }), expected);
  EXPECT_EQ(refusal([&] { solve_newton(batch, 1e-2, 1e-3); }), expected);
  EXPECT_EQ(refusal([&] { judge(batch, 1e-2, {{0, 0, 0}}); }), expected);
  HostClouds clouds{EuclideanCost(), {{0}, {1e14}}, {{0}, {1e14}}};
  clouds.add({.5, .5}, {.4, .6});
  EXPECT_NE(refusal([&] { solve<double>(clouds, settings_for(1e-2, 1e-3, 10)); }), "");
}

}  // namespace
}  // namespace otfleet::kernels

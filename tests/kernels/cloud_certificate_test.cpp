#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/kernels/cloud_batch.hpp"
#include "tests/kernels/traps.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// What rounding may do to a figure in units of cost × mass.
double tolerance(const HostBatch& matrix, double relative) {
  return relative * (std::abs(matrix.cost.minimum()) + matrix.cost.range());
}

void expect_matches_reference(const HostClouds& clouds, double epsilon, const Rows& f) {
  const HostBatch matrix = as_matrix(clouds);
  const auto judgment = judge(clouds, epsilon, f);
  const auto slope = evaluate_semi_dual(clouds, epsilon, f);
  for (int k = 0; k < clouds.size(); ++k) {
    SCOPED_TRACE("instance " + std::to_string(k));
    const auto problem = dense_problem(matrix, k, epsilon);
    double largest_f = 0;
    for (double x : f[k])
      largest_f = std::isfinite(x) ? std::max(largest_f, std::abs(x)) : largest_f;
    const double close = tolerance(matrix, 1e-10) + 1e-13 * largest_f;
    EXPECT_NEAR(judgment.marginal_error[k], marginal_error(problem, f[k]), 1e-10);
    EXPECT_NEAR(judgment.dual_value[k], dual_value(problem, f[k]), close);
    EXPECT_NEAR(judgment.transport_cost[k], transport_cost(problem, f[k]), close);
    EXPECT_NEAR(judgment.upper_bound[k], upper_bound(problem, f[k]),
                close + tolerance(matrix, 1e-9) + 1e-11);  // room for rounding
    EXPECT_NEAR(judgment.lower_bound[k], std::max(dual_bound(problem, f[k]), 0.0), close);
    const Row g = half_step(problem, f[k]);
    for (int j = 0; j < problem.m; ++j)
      EXPECT_TRUE(judgment.g[k][j] == g[j] || std::abs(judgment.g[k][j] - g[j]) < close) << j;
    EXPECT_NEAR(slope.value[k], dual_value(problem, f[k]), close);
    const Row expected = gradient(problem, f[k]);
    for (int i = 0; i < problem.n; ++i) EXPECT_NEAR(slope.gradient[k][i], expected[i], 1e-10);
  }
}

void expect_brackets_optimum(const HostClouds& clouds, double epsilon, const Rows& f) {
  const HostBatch matrix = as_matrix(clouds);
  const auto judgment = judge(clouds, epsilon, f);
  for (int k = 0; k < clouds.size(); ++k) {
    const double exact = exact_cost(dense_problem(matrix, k, epsilon));
    EXPECT_LE(judgment.lower_bound[k], exact + tolerance(matrix, 1e-10)) << "instance " << k;
    EXPECT_GE(judgment.upper_bound[k], exact - tolerance(matrix, 1e-10)) << "instance " << k;
  }
}

Rows random_potentials(Random& random, const HostClouds& clouds, double size) {
  Rows f;
  for (int k = 0; k < clouds.size(); ++k)
    f.push_back(random.uniform_row(static_cast<int>(clouds.x.size()), -size, size));
  return f;
}

TEST(CloudCertificate, matches_the_reference_on_solved_and_unsolved_problems) {
  Random random(71);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {1e-3, 0.05, 10.0})
      for (double zero_share : {0.0, 0.4}) {
        SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
        auto clouds = random_clouds(random, kind, 25, 19, 3);
        add_random_problems(random, clouds, 3, zero_share);
        SinkhornSettings settings;
        settings.epsilon = epsilon;
        settings.max_iterations = 50;
        std::vector<Rows> potentials = {solve<double>(clouds, settings).f,
                                        solve<float>(clouds, settings).f};
        for (double size : {0.0, 0.1, 3.0})
          potentials.push_back(random_potentials(random, clouds, size));
        for (const Rows& f : potentials) {
          expect_matches_reference(clouds, epsilon, f);
          expect_brackets_optimum(clouds, epsilon, f);
        }
      }
}

TEST(CloudCertificate, points_that_coincide_and_single_points) {
  Random random(72);
  for (const GroundCost& kind : tested_costs)
    for (const auto& [n, m, d] : {std::tuple{1, 1, 1}, {1, 6, 2}, {7, 1, 1}, {110, 140, 70}}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(n) + " " + std::to_string(m));
      auto clouds = random_clouds(random, kind, n, m, d);
      clouds.y.back() = clouds.x.front();
      clouds.y.front() = clouds.x.back();
      clouds.x.back() = clouds.x.front();
      add_random_problems(random, clouds, 2);
      expect_matches_reference(clouds, 0.1, random_potentials(random, clouds, 0.2));
      expect_brackets_optimum(clouds, 0.1, random_potentials(random, clouds, 0.2));
    }
}

TEST(CloudCertificate, bounds_tighten_as_epsilon_falls) {
  Random random(73);
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    auto clouds = random_clouds(random, kind, 20, 20, 3);
    add_random_problems(random, clouds, 2);
    SinkhornSettings settings;
    settings.epsilon = 2e-3;
    settings.threshold = 1e-5;
    settings.max_iterations = 20000;
    const auto judgment = judge(clouds, 2e-3, solve<double>(clouds, settings).f);
    const HostBatch matrix = as_matrix(clouds);
    for (int k = 0; k < clouds.size(); ++k) {
      const double exact = exact_cost(dense_problem(matrix, k, 1));
      // A plan of entropic OT costs at most epsilon log(n m) more than the optimum.
      const double gap = 2e-3 * std::log(400.0) + 1e-4;
      EXPECT_NEAR(judgment.upper_bound[k], exact, gap);
      EXPECT_NEAR(judgment.lower_bound[k], exact, gap);
    }
  }
}

TEST(CloudCertificate, bounds_hold_for_garbage) {
  const WithoutTraps quiet;  // potentials of 1e200 overflow where they meet epsilon
  Random random(74);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {1e-3, 0.5})
      for (double size : {1e3, 1e20, 1e200}) {
        SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon) + " " + std::to_string(size));
        auto clouds = random_clouds(random, kind, 9, 11, 2);
        add_random_problems(random, clouds, 5, 0.3);
        auto f = random_potentials(random, clouds, size);
        expect_brackets_optimum(clouds, epsilon, f);
        f[0].assign(9, nan);
        f[1].assign(9, -infinity);
        f[2].assign(9, infinity);
        f[3][0] = nan;
        const auto judgment = judge(clouds, epsilon, f);
        const HostBatch matrix = as_matrix(clouds);
        for (int k = 0; k < clouds.size(); ++k)
          EXPECT_LE(judgment.lower_bound[k],
                    exact_cost(dense_problem(matrix, k, epsilon)) + tolerance(matrix, 1e-10))
              << "instance " << k;
      }
}

TEST(CloudCertificate, far_from_the_origin) {
  Random random(75);
  auto clouds = random_clouds(random, SquaredEuclideanCost(), 15, 17, 3);
  for (Rows* points : {&clouds.x, &clouds.y})
    for (Row& point : *points)
      for (double& c : point) c = std::round(c * 0x1p30) * 0x1p-30 + 1e6;
  add_random_problems(random, clouds, 2, 0.2);
  expect_matches_reference(clouds, 0.05, random_potentials(random, clouds, 0.5));
  expect_brackets_optimum(clouds, 0.05, random_potentials(random, clouds, 0.5));
}

TEST(CloudCertificate, sizes_and_arguments) {
  Random random(76);
  auto clouds = random_clouds(random, CosineCost(), 2, 3, 4);
  EXPECT_NO_THROW(judge(clouds, 1, {})) << "an empty batch";
  EXPECT_NO_THROW(evaluate_semi_dual(clouds, 1, {}));
  add_random_problems(random, clouds, 1);
  EXPECT_NO_THROW(judge(clouds, 1, {{0, 0}}));
  EXPECT_THROW(judge(clouds, 0, {{0, 0}}), std::invalid_argument);
  EXPECT_THROW(evaluate_semi_dual(clouds, -1, {{0, 0}}), std::invalid_argument);
  const auto cost = on_device(clouds);
  const Measures<Space> two(Space(), on_device(Rows{{1, 1}}, 2)),
      three(Space(), on_device(Rows{{1, 2, 1}}, 3));
  const auto index = on_device(std::vector<int>{0});
  const ProblemBatch<Space> problems{two, three, index, index};
  const Matrix<double, Space> f("otfleet::test::f", 1, 2), g("otfleet::test::g", 1, 3), none;
  const auto call = [&](const Matrix<const double, Space>& potentials,
                        const Matrix<double, Space>& targets, int certificates) {
    certify<Space>(Space(), cost, problems, 1, potentials, targets,
                   Certificates<Space>(certificates));
  };
  EXPECT_NO_THROW(call(f, g, 1));
  EXPECT_NO_THROW(call(f, none, 1)) << "g may be left out";
  EXPECT_THROW(call(g, g, 1), std::invalid_argument);
  EXPECT_THROW(call(f, f, 1), std::invalid_argument);
  EXPECT_THROW(call(f, g, 2), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

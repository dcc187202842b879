#include "kernels/outputs/certificate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/traps.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// 0.05 stays on the scaling path, 1e-3 needs the logarithmic one.
constexpr double epsilons[] = {1e-3, 0.05, 0.5};

/// What rounding may do to a figure in units of cost × mass.
double tolerance(const HostBatch& batch, double relative) {
  return relative * (std::abs(batch.cost.minimum()) + batch.cost.range()) *
         dense_problem(batch, 0, 1).mass();
}

void expect_matches_reference(const HostBatch& batch, double epsilon, const Rows& f) {
  const auto judgment = judge(batch, epsilon, f);
  for (int k = 0; k < batch.size(); ++k) {
    SCOPED_TRACE("instance " + std::to_string(k));
    const auto problem = dense_problem(batch, k, epsilon);
    double largest_f = 0;
    for (double x : f[k])
      largest_f = std::isfinite(x) ? std::max(largest_f, std::abs(x)) : largest_f;
    const double close = tolerance(batch, 1e-10) + 1e-13 * largest_f;
    EXPECT_NEAR(judgment.marginal_error[k], marginal_error(problem, f[k]), 1e-10);
    EXPECT_NEAR(judgment.dual_value[k], dual_value(problem, f[k]), close);
    EXPECT_NEAR(judgment.transport_cost[k], transport_cost(problem, f[k]), close);
    EXPECT_NEAR(judgment.upper_bound[k], upper_bound(problem, f[k]), close);
    EXPECT_NEAR(judgment.lower_bound[k], lower_bound(problem, f[k]), close);
    const Row g = half_step(problem, f[k]);
    for (int j = 0; j < problem.m; ++j)
      EXPECT_TRUE(judgment.g[k][j] == g[j] || std::abs(judgment.g[k][j] - g[j]) < close) << j;
  }
}

void expect_brackets_optimum(const HostBatch& batch, double epsilon, const Rows& f) {
  const auto judgment = judge(batch, epsilon, f);
  for (int k = 0; k < batch.size(); ++k) {
    const double exact = exact_cost(dense_problem(batch, k, epsilon));
    EXPECT_LE(judgment.lower_bound[k], exact + tolerance(batch, 1e-10)) << "instance " << k;
    EXPECT_GE(judgment.upper_bound[k], exact - tolerance(batch, 1e-10)) << "instance " << k;
  }
}

Rows random_potentials(Random& random, const HostBatch& batch, double size) {
  Rows f;
  for (int k = 0; k < batch.size(); ++k)
    f.push_back(random.uniform_row(batch.cost.n(), -size, size));
  return f;
}

/// Unit costs off the diagonal and equal measures: every figure is known.
TEST(Certificate, two_by_two_by_hand) {
  HostBatch batch{SeparableCost::dense(2, 2, {0, 1, 1, 0})};
  batch.add({0.5, 0.5}, {0.5, 0.5});
  const double epsilon = 1, stay = 0.5 / (1 + std::exp(-1.0));
  const auto judgment = judge(batch, epsilon, {{0, 0}});
  EXPECT_NEAR(judgment.marginal_error[0], 0, 1e-15);
  EXPECT_NEAR(judgment.transport_cost[0], 1 - 2 * stay, 1e-15);
  // Bounds leave room for rounding.
  EXPECT_NEAR(judgment.upper_bound[0], 1 - 2 * stay, 1e-12);
  EXPECT_GE(judgment.upper_bound[0], 1 - 2 * stay);
  EXPECT_EQ(judgment.lower_bound[0], 0);
  const double other = 0.5 - stay;
  EXPECT_NEAR(judgment.dual_value[0],
              2 * other + 2 * stay * std::log(stay) + 2 * other * std::log(other), 1e-15);
  EXPECT_NEAR(judgment.g[0][0], std::log(stay), 1e-15);
}

TEST(Certificate, matches_the_reference_on_solved_and_unsolved_problems) {
  Random random(31);
  for (Geometry geometry : all_geometries)
    for (double epsilon : epsilons)
      for (double zero_share : {0.0, 0.4}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 11, zero_share);
        SinkhornSettings settings;
        settings.epsilon = epsilon;
        settings.max_iterations = 100;
        const auto solution = solve<double>(batch, settings);
        expect_matches_reference(batch, epsilon, solution.f);
        expect_brackets_optimum(batch, epsilon, solution.f);
        const auto single = solve<float>(batch, settings);
        expect_matches_reference(batch, epsilon, single.f);
        expect_brackets_optimum(batch, epsilon, single.f);
        for (double size : {0.0, 0.1, 3.0}) {
          const auto f = random_potentials(random, batch, size);
          expect_matches_reference(batch, epsilon, f);
          expect_brackets_optimum(batch, epsilon, f);
        }
      }
}

TEST(Certificate, rounding_a_converged_plan_costs_little) {
  Random random(32);
  for (Geometry geometry : all_geometries) {
    const auto batch = random_batch(random, random_cost(random, geometry), 4);
    SinkhornSettings settings;
    settings.epsilon = 0.1;
    settings.threshold = 1e-11;
    settings.max_iterations = 20000;
    const auto solution = solve<double>(batch, settings);
    const auto judgment = judge(batch, 0.1, solution.f);
    for (int k = 0; k < batch.size(); ++k) {
      ASSERT_EQ(solution.status[k], Status::converged);
      EXPECT_NEAR(judgment.upper_bound[k], judgment.transport_cost[k], tolerance(batch, 1e-10));
      // At the optimum the dual value is the primal one: <C, P> + epsilon sum P log P.
      const auto problem = dense_problem(batch, k, 0.1);
      double entropy = 0;
      for (double p : plan(problem, solution.f[k], judgment.g[k])) entropy -= p * log_or_nothing(p);
      EXPECT_NEAR(judgment.dual_value[k], judgment.transport_cost[k] - 0.1 * entropy,
                  tolerance(batch, 1e-9));
    }
  }
}

TEST(Certificate, bounds_tighten_as_epsilon_falls) {
  Random random(33);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 4);
  SinkhornSettings settings;
  settings.epsilon = 1e-3;
  settings.threshold = 1e-6;
  settings.max_iterations = 100000;
  const auto judgment = judge(batch, 1e-3, solve<double>(batch, settings).f);
  for (int k = 0; k < batch.size(); ++k) {
    const double exact = exact_cost(dense_problem(batch, k, 1));
    // A plan of entropic OT costs at most epsilon log(n m) more than the optimum.
    const double gap = 1e-3 * std::log(batch.cost.n() * batch.cost.m());
    EXPECT_NEAR(judgment.upper_bound[k], exact, gap);
    EXPECT_NEAR(judgment.lower_bound[k], exact, gap);
  }
}

TEST(Certificate, bounds_hold_for_garbage) {
  const WithoutTraps quiet;  // potentials of 1e200 overflow where they meet epsilon
  Random random(34);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (Geometry geometry : all_geometries)
    for (double epsilon : epsilons)
      for (double size : {1e3, 1e10, 1e20, 1e200}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon) + " " + std::to_string(size));
        const auto batch = random_batch(random, random_cost(random, geometry), 9, 0.3);
        auto f = random_potentials(random, batch, size);
        for (double& x : f[1]) x += 10 * size;
        for (double& x : f[2]) x *= 1e-6;
        for (double& x : f[2]) x += size;
        expect_brackets_optimum(batch, epsilon, f);
        // A potential that is nowhere a number leaves no plan, but still a valid lower bound.
        f[3].assign(batch.cost.n(), nan);
        f[4].assign(batch.cost.n(), -infinity);
        f[5].assign(batch.cost.n(), infinity);
        f[6][0] = nan;
        const auto judgment = judge(batch, epsilon, f);
        for (int k = 0; k < batch.size(); ++k)
          EXPECT_LE(judgment.lower_bound[k],
                    exact_cost(dense_problem(batch, k, epsilon)) + tolerance(batch, 1e-10))
              << "instance " << k;
      }
}

TEST(Certificate, potentials_at_points_without_weight_are_ignored) {
  Random random(35);
  for (double epsilon : epsilons) {
    const auto cost = random_cost(random, Geometry::plane);
    HostBatch batch{cost};
    Row a = random.weights(cost.n());
    a[0] = a[2] = 0;
    batch.add(a, random.weights(cost.m(), 0.3));
    auto f = random_potentials(random, batch, 0.1);
    const auto finite = judge(batch, epsilon, f);
    f[0][0] = 5;
    f[0][2] = -infinity;
    const auto other = judge(batch, epsilon, f);
    EXPECT_EQ(finite.g, other.g);
    EXPECT_EQ(finite.dual_value, other.dual_value);
    EXPECT_EQ(finite.transport_cost, other.transport_cost);
    EXPECT_EQ(finite.upper_bound, other.upper_bound);
    EXPECT_EQ(finite.lower_bound, other.lower_bound);
    EXPECT_EQ(finite.marginal_error, other.marginal_error);
  }
}

TEST(Certificate, g_makes_the_target_marginal_exact) {
  Random random(36);
  for (Geometry geometry : all_geometries)
    for (double epsilon : epsilons) {
      const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.3);
      const auto f = random_potentials(random, batch, 0.5);
      const auto judgment = judge(batch, epsilon, f);
      for (int k = 0; k < batch.size(); ++k) {
        const auto problem = dense_problem(batch, k, epsilon);
        const Row p = plan(problem, f[k], judgment.g[k]);
        for (int j = 0; j < problem.m; ++j) {
          double sum = 0;
          for (int i = 0; i < problem.n; ++i) sum += p[i * problem.m + j];
          EXPECT_NEAR(sum, problem.b[j], 1e-11);
        }
      }
    }
}

TEST(Certificate, negative_costs_offsets_and_masses) {
  Random random(37);
  for (double offset : {-50.0, 1e6})
    for (double mass : {1e-5, 300.0})
      for (double epsilon : epsilons) {
        SCOPED_TRACE(offset);
        std::vector<AxisCost> axes = random_cost(random, Geometry::rectangular).axes();
        for (double& c : axes[0].values) c += offset;
        auto batch = random_batch(random, SeparableCost(axes), 5, 0.2);
        for (Row& row : batch.sources)
          for (double& w : row) w *= mass;
        SinkhornSettings settings;
        settings.epsilon = epsilon;
        settings.threshold = 1e-4;
        const auto solution = solve<double>(batch, settings);
        const auto judgment = judge(batch, epsilon, solution.f);
        for (int k = 0; k < batch.size(); ++k) {
          const auto problem = dense_problem(batch, k, epsilon);
          // The reference takes differences of numbers of the offset's size.
          EXPECT_NEAR(judgment.marginal_error[k], marginal_error(problem, solution.f[k]),
                      1e-10 + 1e-15 * std::abs(offset) / epsilon);
        }
        expect_brackets_optimum(batch, epsilon, solution.f);
        expect_brackets_optimum(batch, epsilon, random_potentials(random, batch, 1));
      }
}

TEST(Certificate, does_not_depend_on_neighbors) {
  Random random(38);
  for (double epsilon : {1e-3, 0.2})
    for (int size : {1, 7, 8, 9, 40}) {
      const auto batch = random_batch(random, random_cost(random, Geometry::plane), size, 0.3);
      const auto f = random_potentials(random, batch, 0.3);
      const auto together = judge(batch, epsilon, f);
      for (int k = 0; k < size; ++k) {
        const auto alone = judge(batch.subset({k}), epsilon, {f[k]});
        EXPECT_EQ(together.g[k], alone.g[0]);
        EXPECT_EQ(together.dual_value[k], alone.dual_value[0]);
        EXPECT_EQ(together.transport_cost[k], alone.transport_cost[0]);
        EXPECT_EQ(together.upper_bound[k], alone.upper_bound[0]);
        EXPECT_EQ(together.lower_bound[k], alone.lower_bound[0]);
        EXPECT_EQ(together.marginal_error[k], alone.marginal_error[0]);
      }
    }
}

TEST(Certificate, sizes_and_arguments) {
  HostBatch batch{SeparableCost::dense(2, 3, {1, 2, 3, 4, 5, 6})};
  const Matrix<double, Space> empty, f("otfleet::test::f", 1, 2), g("otfleet::test::g", 1, 3);
  const auto call = [&](double epsilon, const Matrix<const double, Space>& potentials,
                        const Matrix<double, Space>& targets, int certificates) {
    certify<Space>(Space(), batch.cost, on_device(batch), epsilon, potentials, targets,
                   Certificates<Space>(certificates));
  };
  EXPECT_NO_THROW(call(1, empty, empty, 0));
  batch.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  EXPECT_NO_THROW(call(1, f, g, 1));
  EXPECT_NO_THROW(call(1, f, empty, 1)) << "g may be left out";
  EXPECT_THROW(call(0, f, g, 1), std::invalid_argument);
  EXPECT_THROW(call(1, g, g, 1), std::invalid_argument);
  EXPECT_THROW(call(1, f, f, 1), std::invalid_argument);
  EXPECT_THROW(call(1, f, g, 2), std::invalid_argument);
  batch.source_index[0] = 1;
  EXPECT_THROW(call(1, f, g, 1), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

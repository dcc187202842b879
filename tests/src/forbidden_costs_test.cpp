#include <gtest/gtest.h>

#include <cmath>

#include "src/families/linear/population_solver.hpp"
#include "src/populations/feasibility.hpp"
#include "tests/src/expect_error.hpp"

// Entries of a cost matrix that no mass may use, and costs of every size.

namespace otfleet {
namespace {

using Values = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// One problem on a cost matrix.
Population one_problem(const Values& cost, const Values& a, const Values& b) {
  Population population;
  Geometry& geometry = population.geometry;
  geometry.kind = Geometry::Kind::dense;
  geometry.ground_cost.reset();
  geometry.cost = cost;
  geometry.n = static_cast<std::int64_t>(a.size());
  geometry.m = static_cast<std::int64_t>(b.size());
  population.shared_measures = false;
  population.source_measures = population.target_measures = 1;
  population.source_weights = a;
  population.target_weights = b;
  population.source = population.target = {0};
  population.validate("given");
  return population;
}

Solutions solve(const Population& population, double epsilon, double threshold,
                const std::string& method = "auto", const std::string& precision = "double") {
  const PopulationSolver solver(population, epsilon);
  solver.check_feasible("given", 0, 1);
  SolverOptions settings;
  settings.threshold = threshold;
  settings.method = method;
  settings.precision = *value_of<Precision>(precision);
  SolutionOptions wanted;
  wanted.plan = PlanRule::threshold;
  wanted.plan_threshold = 1e-9;
  SolveSeconds seconds;
  return solver.solve({0, 1}, settings, nullptr, wanted, seconds);
}

/// The kept entries of the plan as a matrix.
Values plan_of(const Population& population, const Solutions& solutions) {
  const auto n = population.geometry.n, m = population.geometry.m;
  Values plan(static_cast<std::size_t>(n * m), 0.0);
  const auto& entries = solutions.plan.entries;
  for (std::int64_t i = 0; i < n; ++i)
    for (auto at = entries.offsets[i]; at < entries.offsets[i + 1]; ++at)
      plan[i * m + entries.columns[at]] = entries.values[at];
  return plan;
}

Values five_by_five(double forbidden) {
  Values cost(25, forbidden);
  for (int k = 0; k < 5; ++k) cost[k * 5 + 4] = cost[4 * 5 + k] = 1;
  cost[3 * 5 + 3] = cost[4 * 5 + 4] = 0;
  return cost;
}

TEST(ForbiddenCosts, five_points_with_pairs_that_are_forbidden_or_cost_1e32) {
  const Values weights = {.125, .125, .125, .125, .5};
  for (const double forbidden : {1e32, 1e300, infinity})
    for (const double epsilon : {1e-3, 0.05})
      for (const char* method : {"auto", "newton", "sinkhorn"}) {
        SCOPED_TRACE(std::to_string(forbidden) + " " + std::to_string(epsilon) + " " + method);
        const auto population = one_problem(five_by_five(forbidden), weights, weights);
        const auto solutions = solve(population, epsilon, 1e-6, method);
        EXPECT_EQ(solutions.status[0], 0);
        Values expected(25, 0.0);
        for (int k = 0; k < 3; ++k) expected[k * 5 + 4] = expected[4 * 5 + k] = .125;
        expected[3 * 5 + 3] = expected[4 * 5 + 4] = .125;
        const auto plan = plan_of(population, solutions);
        for (std::size_t at = 0; at < 25; ++at) EXPECT_NEAR(plan[at], expected[at], 1e-6) << at;
        EXPECT_NEAR(solutions.transport_cost[0], .75, 1e-6);
        EXPECT_LE(solutions.lower_bound[0], .75);
        EXPECT_GE(solutions.upper_bound[0], .75);
        EXPECT_NEAR(solutions.upper_bound[0], .75, 1e-5);
      }
}

TEST(ForbiddenCosts, a_problem_without_a_plan_is_refused_by_name) {
  const Values cost = {0, infinity, infinity, 1};
  const auto possible = one_problem(cost, {.25, .75}, {.25, .75});
  EXPECT_EQ(solve(possible, 0.1, 1e-6).status[0], 0);
  testing::expect_error(
      [&] {
        solve(one_problem(cost, {.25, .75}, {.5, .5}), 0.1, 1e-6);
      },
      "given: problem 0 (measures 0 and 0) has no plan", "0.25");
  // Costs of 1e32 are no way around: what they leave is too far from epsilon.
  testing::expect_error(
      [&] {
        solve(one_problem({0, 1e32, 1e32, 0}, {.25, .75}, {.5, .5}), 0.1, 1e-6);
      },
      "given: problem 0", "1e15 epsilon");
}

/// 0.22 of the unit: 3/10 of the first point's mass stay, 2/10 go to the third from each.
TEST(ForbiddenCosts, three_points_at_every_size_of_the_costs) {
  for (const double unit : {1.0, 1e4, 1e8, 1e10, 1e12})
    for (const char* precision : {"double", "float"}) {
      SCOPED_TRACE(std::to_string(unit) + " " + precision);
      const auto population =
          one_problem({0, unit, .4 * unit, unit, 0, .7 * unit, .4 * unit, .7 * unit, 0},
                      {.5, .5, 0}, {.3, .3, .4});
      const double epsilon = 1e-2, threshold = std::max(1e-6, 1e-16 * unit / epsilon);
      const auto solutions = solve(population, epsilon, threshold, "auto", precision);
      EXPECT_EQ(solutions.status[0], 0);
      EXPECT_LT(solutions.marginal_error[0], threshold);
      if (unit > 1) {
        EXPECT_NEAR(solutions.transport_cost[0] / unit, .22, threshold);
      }
      for (const double g : solutions.g) EXPECT_TRUE(std::isfinite(g));
    }
}

TEST(ForbiddenCosts, whole_costs_as_epsilon_falls) {
  for (const double epsilon : {1e-1, 1e-2, 1e-4, 1e-8, 1e-12}) {
    SCOPED_TRACE(epsilon);
    const auto population = one_problem({2, 1, 1, 1}, {.5, .5}, {.5, .5});
    const auto solutions = solve(population, epsilon, 1e-4);
    EXPECT_EQ(solutions.status[0], 0);
    if (epsilon > 0.01) continue;
    const auto plan = plan_of(population, solutions);
    const Values expected = {0, .5, .5, 0};
    for (std::size_t at = 0; at < 4; ++at) EXPECT_NEAR(plan[at], expected[at], 1e-4) << at;
    EXPECT_NEAR(solutions.transport_cost[0], 1, 1e-4);
  }
}

TEST(ForbiddenCosts, only_a_matrix_may_forbid) {
  Population population = one_problem({0, infinity, 1, 0}, {.5, .5}, {.5, .5});
  population.geometry.ground_cost = kernels::EuclideanCost();
  testing::expect_error([&] { population.validate("given"); }, "/geometry/cost holds inf",
                        "matrix");
  population = one_problem({0, 1, 1, 0}, {.5, .5}, {.5, .5});
  population.geometry.cost.assign(4, infinity);
  testing::expect_error([&] { population.validate("given"); }, "forbids every entry");
  population.geometry.cost = {0, -infinity, 1, 0};
  testing::expect_error([&] { population.validate("given"); }, "holds -inf at position 1");
}

}  // namespace
}  // namespace otfleet

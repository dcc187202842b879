#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/unbalanced_reference.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

TEST(Partial, matches_dykstra_on_grids_and_clouds) {
  Random random(311);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {0.05, 0.5, 10.0})
      for (double share : {0.1, 0.6, 0.99}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon) + " " + std::to_string(share));
        const HostBatch batch = random_masses(random, random_cost(random, geometry), 2, 0.3);
        const auto found = solve_unbalanced(batch, tight_share(epsilon, share));
        for (int k = 0; k < batch.size(); ++k) {
          const auto problem = unscaled_problem(batch, k, epsilon);
          const double asked = share * std::min(mass_of(problem.a), mass_of(problem.b));
          EXPECT_NEAR(found.transported_mass[k], asked, 1e-12);
          expect_matches(solve_partial_reference(problem, share), problem, found, k, 1e-8);
        }
      }
  auto clouds = random_clouds(random, EuclideanCost(), 15, 12, 2);
  add_random_problems(random, clouds, 2, 0.2);
  const auto found = solve_unbalanced(clouds, tight_share(0.1, 0.7));
  for (int k = 0; k < clouds.size(); ++k) {
    const auto problem = unscaled_problem(as_matrix(clouds), k, 0.1);
    expect_matches(solve_partial_reference(problem, 0.7), problem, found, k, 1e-8);
  }
}

TEST(Partial, all_of_equal_masses_is_balanced_and_little_goes_where_it_is_cheap) {
  Random random(312);
  for (double epsilon : {1e-3, 0.05, 10.0}) {
    const HostBatch batch = random_batch(random, random_cost(random, Geometry::dense), 4, 0.2);
    auto settings = tight_share(epsilon, 1);
    settings.threshold = 1e-9;
    settings.max_iterations = 100000;
    const auto partial = solve_unbalanced(batch, settings);
    settings.transported_share.reset();
    const auto balanced = solve_unbalanced(batch, settings);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_EQ(partial.status[k], Status::converged);
      EXPECT_NEAR(partial.transport_cost[k], balanced.transport_cost[k], 1e-8);
      EXPECT_NEAR(partial.dual_value[k], balanced.dual_value[k], 1e-7);
      EXPECT_LT(distance_up_to_constant(partial.f[k], balanced.f[k]), 1e-5 * (1 + epsilon));
    }
    settings.transported_share = 1e-9;
    const auto little = solve_unbalanced(batch, settings);
    for (int k = 0; k < batch.size(); ++k) {
      double least = infinity;
      const auto problem = unscaled_problem(batch, k, epsilon);
      for (int i = 0; i < problem.n; ++i)
        for (int j = 0; j < problem.m; ++j)
          if (problem.a[i] > 0 && problem.b[j] > 0) least = std::min(least, problem.c(i, j));
      EXPECT_NEAR(little.transported_mass[k], 1e-9, 1e-20);
      EXPECT_GE(little.transport_cost[k], 1e-9 * least * (1 - 1e-9));
      if (epsilon == 1e-3) {
        EXPECT_LT(little.transport_cost[k], 1e-9 * (least + 10 * epsilon));
      }
    }
  }
}

TEST(Partial, small_epsilon_keeps_the_bounds_and_the_mass) {
  Random random(313);
  for (Geometry geometry : {Geometry::plane, Geometry::dense}) {
    const HostBatch batch = random_masses(random, random_cost(random, geometry), 5, 0.3);
    for (double epsilon : {1e-3, 5e-3}) {
      auto settings = tight_share(epsilon, 0.5);
      settings.threshold = 1e-7;
      settings.max_iterations = 100000;
      const auto found = solve_unbalanced(batch, settings);
      for (int k = 0; k < batch.size(); ++k) {
        const auto problem = unscaled_problem(batch, k, epsilon);
        EXPECT_EQ(found.status[k], Status::converged);
        const Rows plan = plan_of(problem, found, k);
        double over = 0, cost = 0;
        Row columns(problem.m, 0.0);
        for (int i = 0; i < problem.n; ++i) {
          double sum = 0;
          for (int j = 0; j < problem.m; ++j) {
            sum += plan[i][j];
            columns[j] += plan[i][j];
            cost += plan[i][j] * problem.c(i, j);
          }
          over += std::max(0.0, sum - problem.a[i]);
        }
        for (int j = 0; j < problem.m; ++j) over += std::max(0.0, columns[j] - problem.b[j]);
        EXPECT_LT(over, 1e-7);
        EXPECT_NEAR(found.transport_cost[k], cost, 1e-10);
        EXPECT_NEAR(found.dual_value[k], found.primal_value[k], 1e-5);
      }
    }
  }
}

}  // namespace
}  // namespace otfleet::kernels

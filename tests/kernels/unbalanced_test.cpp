#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/kernels/traps.hpp"
#include "tests/kernels/unbalanced_reference.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

TEST(Unbalanced, matches_the_reference_on_all_geometries) {
  Random random(301);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {0.02, 0.3, 10.0})
      for (const auto& [tau_a, tau_b] :
           {std::pair{0.9, 0.9}, {0.5, 0.95}, {0.1, 0.6}, {1.0, 0.8}, {0.7, 1.0}}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon) + " " + std::to_string(tau_a) +
                     " " + std::to_string(tau_b));
        const HostBatch batch = random_masses(random, positive_cost(random, geometry), 3, 0.3);
        const auto found = solve_unbalanced(batch, tight(epsilon, tau_a, tau_b));
        for (int k = 0; k < batch.size(); ++k) {
          SCOPED_TRACE(k);
          const auto problem = unscaled_problem(batch, k, epsilon);
          expect_matches(solve_unbalanced_reference(problem, tau_a, tau_b), problem, found, k,
                         1e-9);
        }
      }
}

TEST(Unbalanced, matches_the_reference_on_clouds_of_points) {
  Random random(302);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {0.05, 1.0})
      for (const auto& [tau_a, tau_b] : {std::pair{0.8, 0.8}, {1.0, 0.6}}) {
        SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon) + " " + std::to_string(tau_a));
        auto clouds = random_clouds(random, kind, 13, 17, 3);
        add_random_problems(random, clouds, 2, 0.3);
        clouds.targets[0] = scaled(clouds.targets[0], 2.5);
        const HostBatch matrix = as_matrix(clouds);
        const auto found = solve_unbalanced(clouds, tight(epsilon, tau_a, tau_b));
        for (int k = 0; k < clouds.size(); ++k) {
          const auto problem = unscaled_problem(matrix, k, epsilon);
          expect_matches(solve_unbalanced_reference(problem, tau_a, tau_b), problem, found, k,
                         1e-9);
        }
      }
}

TEST(Unbalanced, the_same_on_a_grid_a_matrix_and_a_cloud) {
  Random random(303);
  const Row axis = {0, 0.3, 0.5, 1};
  HostClouds clouds;
  for (double x : axis)
    for (double y : axis) clouds.x.push_back({x, y});
  clouds.y = clouds.x;
  add_random_problems(random, clouds, 3, 0.4);
  HostBatch grid{SeparableCost::squared_euclidean_grid({axis, axis})};
  for (int k = 0; k < 3; ++k) grid.add(clouds.sources[k], scaled(clouds.targets[k], 1.7));
  for (Row& row : clouds.targets) row = scaled(row, 1.7);
  for (const UnbalancedSettings& settings : {tight(0.01, 0.97, 0.9), tight_share(0.01, 0.6)}) {
    const auto on_grid = solve_unbalanced(grid, settings);
    const auto on_matrix = solve_unbalanced(as_dense(grid), settings);
    const auto on_cloud = solve_unbalanced(clouds, settings);
    for (int k = 0; k < 3; ++k)
      for (const auto* other : {&on_matrix, &on_cloud}) {
        EXPECT_NEAR(on_grid.dual_value[k], other->dual_value[k], 1e-10);
        EXPECT_NEAR(on_grid.transport_cost[k], other->transport_cost[k], 1e-10);
        EXPECT_NEAR(on_grid.transported_mass[k], other->transported_mass[k], 1e-10);
      }
  }
}

TEST(Unbalanced, small_epsilon_is_safe_and_the_dual_stays_below_the_primal) {
  Random random(304);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {1e-3, 1e-4})
      for (double tau : {0.9, 0.99}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon) + " " + std::to_string(tau));
        const HostBatch batch = random_masses(random, positive_cost(random, geometry), 3, 0.3);
        auto settings = tight(epsilon, tau, tau);
        settings.max_iterations = 7;  // what is not converged must be judged as well
        settings.threshold = 1e-300;
        const auto early = solve_unbalanced(batch, settings);
        settings.threshold = 1e-6;
        settings.max_iterations = 50000;
        const auto found = solve_unbalanced(batch, settings);
        for (int k = 0; k < batch.size(); ++k) {
          // A problem of few points may be solved to the last digit sooner.
          if (early.status[k] == Status::precision_limit) {
            EXPECT_LE(early.residual[k], 1e-14);
          } else {
            EXPECT_EQ(early.status[k], Status::iteration_limit);
            EXPECT_EQ(early.iterations[k], 7);
          }
          EXPECT_EQ(found.status[k], Status::converged);
          EXPECT_LE(early.dual_value[k], early.primal_value[k]);
          EXPECT_LE(found.dual_value[k], found.primal_value[k]);
          EXPECT_LE(early.dual_value[k], found.primal_value[k] + 1e-14);
          EXPECT_LE(found.dual_value[k], early.primal_value[k] + 1e-14);
          EXPECT_NEAR(found.dual_value[k], found.primal_value[k], 1e-6);
        }
      }
}

TEST(Unbalanced, the_certificate_of_arbitrary_potentials_is_that_of_their_plan) {
  Random random(305);
  for (Geometry geometry : all_geometries) {
    const HostBatch batch = random_masses(random, random_cost(random, geometry), 3, 0.3);
    const double epsilon = 0.2, tau_a = 0.7, tau_b = 0.9;
    HostUnbalanced given;
    for (int k = 0; k < batch.size(); ++k) {
      given.f.push_back(random.uniform_row(batch.cost.n(), -1, 0));
      given.g.push_back(random.uniform_row(batch.cost.m(), -1, 0));
      given.mass_potential.push_back(0);
    }
    const auto found = certify_unbalanced(batch, tight(epsilon, tau_a, tau_b), given);
    const double rho_a = epsilon * tau_a / (1 - tau_a), rho_b = epsilon * tau_b / (1 - tau_b);
    for (int k = 0; k < batch.size(); ++k) {
      const auto problem = unscaled_problem(batch, k, epsilon);
      const Rows plan = plan_of(problem, given, k);
      const auto kl = [](double x, double y) { return x * std::log(x / y) - x + y; };
      double cost = 0, primal = 0, dual = 0, residual = 0, mass = 0, wanted[2] = {};
      Row columns(problem.m, 0.0);
      for (int i = 0; i < problem.n; ++i) {
        if (!(problem.a[i] > 0)) continue;
        double sum = 0;
        for (int j = 0; j < problem.m; ++j) {
          if (!(problem.b[j] > 0)) continue;
          sum += plan[i][j];
          columns[j] += plan[i][j];
          cost += plan[i][j] * problem.c(i, j);
          primal += epsilon * kl(plan[i][j], problem.a[i] * problem.b[j]);
        }
        mass += sum;
        const double f = given.f[k][i] - epsilon * std::log(problem.a[i]);
        primal += rho_a * kl(sum, problem.a[i]);
        dual += rho_a * problem.a[i] * (1 - std::exp(-f / rho_a));
        residual += std::abs(sum - problem.a[i] * std::exp(-f / rho_a));
        wanted[0] += problem.a[i] * std::exp(-f / rho_a);
      }
      for (int j = 0; j < problem.m; ++j) {
        if (!(problem.b[j] > 0)) continue;
        const double g = given.g[k][j] - epsilon * std::log(problem.b[j]);
        primal += rho_b * kl(columns[j], problem.b[j]);
        dual += rho_b * problem.b[j] * (1 - std::exp(-g / rho_b));
        residual += std::abs(columns[j] - problem.b[j] * std::exp(-g / rho_b));
        wanted[1] += problem.b[j] * std::exp(-g / rho_b);
      }
      primal += cost;
      dual += epsilon * (mass_of(problem.a) * mass_of(problem.b) - mass);
      const double close = 1e-11 * (1 + std::abs(primal) + std::abs(dual));
      EXPECT_NEAR(found.transport_cost[k], cost, close);
      EXPECT_NEAR(found.primal_value[k], primal, close);
      EXPECT_NEAR(found.dual_value[k], dual, close);
      EXPECT_NEAR(found.residual[k], residual / std::max({mass, wanted[0], wanted[1]}), 1e-11);
      EXPECT_NEAR(found.transported_mass[k], mass, close);
    }
  }
}

TEST(Unbalanced, tau_one_is_sinkhorn_and_tau_near_one_comes_close_at_once) {
  Random random(306);
  for (double epsilon : {1e-3, 0.05, 10.0}) {
    const HostBatch batch = random_batch(random, random_cost(random, Geometry::plane), 5, 0.3);
    SinkhornSettings sinkhorn;
    sinkhorn.epsilon = epsilon;
    sinkhorn.threshold = 1e-9;
    sinkhorn.max_iterations = 100000;
    const auto balanced = solve<double>(batch, sinkhorn);
    auto settings = tight(epsilon, 1, 1);
    settings.threshold = 1e-9;
    settings.max_iterations = 100000;
    const auto exact = solve_unbalanced(batch, settings);
    const auto costs = judge(batch, epsilon, balanced.f);
    settings.tau_a = settings.tau_b = 1 - 1e-9;
    const auto near = solve_unbalanced(batch, settings);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_EQ(exact.status[k], Status::converged);
      EXPECT_EQ(near.status[k], Status::converged);
      EXPECT_LT(distance_up_to_constant(exact.f[k], balanced.f[k]), 1e-6 * (1 + epsilon));
      EXPECT_NEAR(exact.transport_cost[k], costs.transport_cost[k], 1e-8);
      EXPECT_NEAR(near.transport_cost[k], costs.transport_cost[k], 1e-7);
      EXPECT_NEAR(near.transported_mass[k], 1, 1e-7);
      // Translation invariance: no crawl of the constant, whose plain rate is tau².
      EXPECT_LT(near.iterations[k], 2 * exact.iterations[k] + 20);
    }
  }
}

TEST(Unbalanced, swapping_the_sides_and_scaling_mass_and_units) {
  Random random(307);
  const HostBatch batch = random_masses(random, random_cost(random, Geometry::rectangular), 4, 0.3);
  std::vector<AxisCost> turned, larger;
  for (const AxisCost& axis : batch.cost.axes()) {
    turned.push_back({axis.m, axis.n, Row(axis.values.size())});
    for (int i = 0; i < axis.n; ++i)
      for (int j = 0; j < axis.m; ++j)
        turned.back().values[j * axis.n + i] = axis.values[i * axis.m + j];
    larger.push_back({axis.n, axis.m, scaled(axis.values, 1e6)});
  }
  HostBatch swapped{SeparableCost(turned)}, in_units{SeparableCost(larger)};
  for (int k = 0; k < batch.size(); ++k) {
    swapped.add(batch.targets[k], batch.sources[k]);
    in_units.add(batch.sources[k], batch.targets[k]);
  }
  for (bool share : {false, true}) {
    const auto settings = share ? tight_share(0.1, 0.5) : tight(0.1, 0.9, 0.6);
    auto turned_settings = settings, unit_settings = settings;
    std::swap(turned_settings.tau_a, turned_settings.tau_b);
    unit_settings.epsilon *= 1e6;
    const auto found = solve_unbalanced(batch, settings);
    const auto other_way = solve_unbalanced(swapped, turned_settings);
    const auto other_units = solve_unbalanced(in_units, unit_settings);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_NEAR(found.dual_value[k], other_way.dual_value[k], 1e-10);
      EXPECT_NEAR(found.transport_cost[k], other_way.transport_cost[k], 1e-9);
      EXPECT_NEAR(found.dual_value[k] * 1e6, other_units.dual_value[k], 1e-4);
      EXPECT_NEAR(found.transported_mass[k], other_units.transported_mass[k], 1e-9);
    }
  }
}

TEST(Unbalanced, tiny_masses_and_weights_single_points_and_twins) {
  Random random(308);
  HostBatch batch{SeparableCost::squared_euclidean_grid({{0, 0.5, 0.5, 1}})};
  batch.add({1e-300, 0.2, 0.3, 0.1}, {0.4, 1e-300, 0, 0.7});
  batch.add({0, 0, 1e-8, 0}, {1, 0, 0, 0});
  batch.add({1e-9, 2e-9, 1e-9, 0}, {1e-9, 1e-9, 0, 1e-9});
  for (double epsilon : {1e-3, 0.1, 10.0}) {
    auto settings = tight(epsilon, 0.9, 0.7);
    settings.threshold = 1e-12;
    const auto found = solve_unbalanced(batch, settings);
    for (int k = 0; k < batch.size(); ++k) {
      const auto problem = unscaled_problem(batch, k, epsilon);
      const auto expected = solve_unbalanced_reference(problem, 0.9, 0.7);
      EXPECT_NEAR(found.transported_mass[k], expected.mass, 1e-9 * expected.mass) << k;
      EXPECT_NEAR(found.dual_value[k], expected.value, 1e-9 * (expected.value + epsilon * 1e-18));
      EXPECT_LE(found.residual[k], 1e-12);
      EXPECT_EQ(found.status[k], Status::converged);
    }
  }
  HostBatch point{SeparableCost::dense(1, 1, {0.7})};
  point.add({2.0}, {0.5});
  const double epsilon = 0.1, tau = 0.8, rho = epsilon * tau / (1 - tau);
  const auto found = solve_unbalanced(point, tight(epsilon, tau, tau));
  // rho log(p/2) + rho log(p/0.5) + epsilon log(p/(2 · 0.5)) + 0.7 = 0
  EXPECT_NEAR(found.transported_mass[0], std::exp(-0.7 / (2 * rho + epsilon)), 1e-12);
}

TEST(Unbalanced, results_do_not_depend_on_the_batch_and_an_empty_one_is_fine) {
  Random random(309);
  const HostBatch batch = random_masses(
      random, SeparableCost::squared_euclidean_grid({{0, 0.2, 0.9}, {0, 0.4, 1}}), 70, 0.5);
  for (const auto& settings : {tight(0.02, 0.95, 0.8), tight_share(0.05, 0.7)}) {
    const auto together = solve_unbalanced(batch, settings);
    for (int k : {69, 3, 7}) {
      const auto alone = solve_unbalanced(batch.subset({k}), settings);
      EXPECT_EQ(alone.f[0], together.f[k]);
      EXPECT_EQ(alone.g[0], together.g[k]);
      EXPECT_EQ(alone.iterations[0], together.iterations[k]);
      EXPECT_EQ(alone.residual[0], together.residual[k]);
    }
    const auto [low, high] =
        std::minmax_element(together.iterations.begin(), together.iterations.end());
    EXPECT_LT(*low, *high);  // every instance stops on its own
    EXPECT_TRUE(solve_unbalanced(batch.subset({}), settings).f.empty());
  }
}

TEST(Unbalanced, refuses_what_makes_no_sense) {
  Random random(310);
  const HostBatch batch = random_batch(random, random_cost(random, Geometry::line), 2);
  const auto refused = [&](auto change) {
    auto settings = tight(0.1, 0.9, 0.9);
    change(settings);
    EXPECT_THROW(solve_unbalanced(batch, settings), std::invalid_argument);
  };
  refused([](auto& s) { s.tau_a = 0; });
  refused([](auto& s) { s.tau_b = 1.01; });
  refused([](auto& s) { s.tau_b = std::nan(""); });
  refused([](auto& s) { s.transported_share = 0.5; });
  refused([](auto& s) { s.epsilon = 0; });
  refused([](auto& s) { s.threshold = 0; });
  refused([](auto& s) { s.inner_iterations = 0; });
  refused([](auto& s) {
    s.tau_a = s.tau_b = 1;
    s.transported_share = 1.5;
  });
}

}  // namespace
}  // namespace otfleet::kernels

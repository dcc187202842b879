#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/unbalanced_reference.hpp"

// How problems whose marginals need not be exact are iterated: on every path, from any start, and
// when an observer ends them.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Ends the batch when it is asked for the `turn`-th time.
class EndsAt final : public IterationObserver {
 public:
  explicit EndsAt(int turn) : left_(turn) {}

 private:
  bool observe(int, int, double) noexcept override { return --left_ > 0; }
  int left_;
};

const std::pair<double, double> taus[] = {{0.9, 0.6}, {1, 0.8}, {0.7, 1}, {0.2, 0.99}};

template <class Cost>
void expect_resumes(const Cost& cost, const ProblemBatch<Space>& problems,
                    UnbalancedSettings settings) {
  const auto solve = [&](const UnbalancedSolution<Space>& solution) {
    kernels::solve_unbalanced(Space(), cost, problems, settings, solution);
    return on_host(solution);
  };
  const UnbalancedSolution<Space> whole(problems.size(), cost.n(), cost.m());
  const auto expected = solve(whole);
  for (const bool observed : {false, true}) {
    const UnbalancedSolution<Space> solution(problems.size(), cost.n(), cost.m());
    const int limit = settings.max_iterations;
    EndsAt observer(1);
    settings.from_solution = false;
    settings.observer = observed ? &observer : nullptr;
    if (!observed) settings.max_iterations = 3;
    const auto early = solve(solution);
    for (int k = 0; k < problems.size(); ++k) {
      if (expected.iterations[k] > 3) {  // some are done at once
        EXPECT_EQ(early.status[k], observed ? Status::ended : Status::iteration_limit);
        EXPECT_EQ(early.iterations[k], observed ? 0 : 3);
      }
      EXPECT_TRUE(std::isfinite(early.residual[k]));  // a start, though none was made
    }
    settings.max_iterations = limit;
    settings.observer = nullptr;
    settings.from_solution = true;
    const auto found = solve(solution);
    for (int k = 0; k < problems.size(); ++k) {
      EXPECT_EQ(found.status[k], expected.status[k]);
      EXPECT_NEAR(found.iterations[k] + early.iterations[k], expected.iterations[k], 1);
      EXPECT_NEAR(found.dual_value[k], expected.dual_value[k], 1e-9);
      EXPECT_NEAR(found.transported_mass[k], expected.transported_mass[k], 1e-9);
    }
    // A solution needs no iteration.
    const auto again = solve(solution);
    for (int k = 0; k < problems.size(); ++k) EXPECT_LE(again.iterations[k], 1);
    settings.from_solution = false;
  }
}

TEST(UnbalancedIteration, goes_on_from_a_solution_and_from_where_an_observer_ended_it) {
  Random random(321);
  for (const auto& [tau_a, tau_b] : taus)
    for (const double epsilon : {0.05, 1e-3}) {
      SCOPED_TRACE(std::to_string(tau_a) + " " + std::to_string(tau_b) + " " +
                   std::to_string(epsilon));
      auto settings = tight(epsilon, tau_a, tau_b);
      settings.threshold = 1e-9;
      settings.max_iterations = 50000;
      const auto batch = random_masses(random, positive_cost(random, Geometry::plane), 20, 0.3);
      expect_resumes(batch.cost, on_device(batch), settings);
      auto clouds = random_clouds(random, SquaredEuclideanCost(), 13, 17, 2);
      add_random_problems(random, clouds, 3, 0.3);
      clouds.targets[0] = scaled(clouds.targets[0], 2.5);
      expect_resumes(on_device(clouds), problems_on_device(clouds), settings);
    }
}

TEST(UnbalancedIteration, a_share_goes_on_too) {
  Random random(325);
  for (const double share : {0.3, 0.9})
    for (const double epsilon : {0.05, 2e-3}) {
      auto settings = tight_share(epsilon, share);
      settings.threshold = 1e-9;
      settings.max_iterations = 50000;
      const auto batch = random_masses(random, positive_cost(random, Geometry::plane), 20, 0.3);
      expect_resumes(batch.cost, on_device(batch), settings);
    }
}

TEST(UnbalancedIteration, plain_numbers_and_extended_range_agree) {
  Random random(322);
  // Just on either side of where plain numbers are safe; the same problem in other units.
  for (const auto& [tau_a, tau_b] : taus) {
    const HostBatch batch = random_masses(random, positive_cost(random, Geometry::plane), 9, 0.4);
    const double least = batch.cost.range() / 300;
    for (const double epsilon : {least * 0.8, least, least * 1.3}) {
      SCOPED_TRACE(epsilon);
      auto settings = tight(epsilon, tau_a, tau_b);
      settings.threshold = 5e-11;
      settings.max_iterations = 100000;
      const auto found = solve_unbalanced(batch, settings);
      for (int k = 0; k < batch.size(); ++k) {
        const auto problem = unscaled_problem(batch, k, epsilon);
        expect_matches(solve_unbalanced_reference(problem, tau_a, tau_b), problem, found, k, 1e-8);
      }
    }
  }
}

TEST(UnbalancedIteration, tau_tiny_and_near_one) {
  Random random(323);
  const HostBatch batch = random_masses(random, positive_cost(random, Geometry::plane), 5, 0.3);
  auto clouds = random_clouds(random, CosineCost(), 11, 14, 3);
  add_random_problems(random, clouds, 3, 0.2);
  const double epsilon = 0.3;
  for (const auto& [tau_a, tau_b] :
       {std::pair{1e-3, 1e-3}, {1e-6, 0.5}, {0.5, 1e-6}, {1e-4, 1.0}, {1 - 1e-6, 1 - 1e-3}}) {
    SCOPED_TRACE(std::to_string(tau_a) + " " + std::to_string(tau_b));
    auto settings = tight(epsilon, tau_a, tau_b);
    // Potentials f are stored, and f/rho is what the residual looks at.
    settings.threshold = 1e-14 / std::min({tau_a, tau_b, 1e-4});
    const auto on_grid = solve_unbalanced(batch, settings);
    for (int k = 0; k < batch.size(); ++k) {
      const auto expected =
          solve_unbalanced_reference(unscaled_problem(batch, k, epsilon), tau_a, tau_b);
      EXPECT_EQ(on_grid.status[k], Status::converged) << on_grid.residual[k];
      EXPECT_NEAR(on_grid.transported_mass[k], expected.mass, 1e-7 * expected.mass);
    }
    const auto on_clouds = solve_unbalanced(clouds, settings);
    for (int k = 0; k < clouds.size(); ++k) {
      const auto expected =
          solve_unbalanced_reference(unscaled_problem(as_matrix(clouds), k, epsilon), tau_a, tau_b);
      EXPECT_EQ(on_clouds.status[k], Status::converged) << on_clouds.residual[k];
      EXPECT_NEAR(on_clouds.transported_mass[k], expected.mass, 1e-7 * expected.mass);
    }
  }
}

TEST(UnbalancedIteration, masses_and_weights_of_any_size_on_supports_of_any_size) {
  Random random(324);
  for (const double epsilon : {1e-3, 0.1}) {
    // From one point to all, from 1e-300 to 1e150 of mass.
    HostBatch batch = random_batch(random, positive_cost(random, Geometry::plane), 40, 0.0);
    for (int k = 0; k < batch.size(); ++k) {
      for (int i = 0; i < batch.cost.n(); ++i)
        if (i % 40 > k && i > 0) batch.sources[k][i] = 0;
      for (int j = 0; j < batch.cost.m(); ++j)
        if (j % 7 < k % 7 && j > 0) batch.targets[k][j] = 0;
      const double mass = std::pow(10, k % 4 == 0 ? -300 + 2 * k : k % 4 == 1 ? 150 - k : 0);
      batch.sources[k] = scaled(batch.sources[k], mass);
      if (mass > 1) batch.targets[k] = scaled(batch.targets[k], 1 / mass);
    }
    auto settings = tight(epsilon, 0.8, 0.95);
    settings.threshold = 1e-8;
    settings.max_iterations = 100000;
    const auto found = solve_unbalanced(batch, settings);
    for (int k = 0; k < batch.size(); ++k) {
      SCOPED_TRACE(k);
      EXPECT_EQ(found.status[k], Status::converged) << found.residual[k];
      const auto alone = solve_unbalanced(batch.subset({k}), settings);
      EXPECT_EQ(alone.f[0], found.f[k]);
      EXPECT_EQ(alone.g[0], found.g[k]);
      for (int i = 0; i < batch.cost.n(); ++i)
        EXPECT_EQ(std::isfinite(found.f[k][i]), batch.sources[k][i] > 0);
    }
  }
}

}  // namespace
}  // namespace otfleet::kernels

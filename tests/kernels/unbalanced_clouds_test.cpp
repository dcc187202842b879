#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/device_values.hpp"
#include "tests/kernels/unbalanced_reference.hpp"

// Unbalanced problems whose measures have points of their own, small ones in lanes and large ones
// in passes, beside each of them alone.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Every problem alone, and all of them as one batch.
struct Clouds {
  GroundCost cost;
  int dimension;
  std::vector<HostClouds> alone;
  Row points[2], weights[2];
  std::vector<std::int64_t> offsets[2] = {{0}, {0}};

  int size() const { return static_cast<int>(alone.size()); }
  void add(Random& random, int n, int m, double source_mass, double target_mass) {
    HostClouds one = random_clouds(random, cost, n, m, dimension);
    one.add(scaled(random.weights(n, 0.2), source_mass),
            scaled(random.weights(m, 0.2), target_mass));
    const Rows* const rows[] = {&one.x, &one.y};
    const Row* const own[] = {&one.sources[0], &one.targets[0]};
    for (int s = 0; s < 2; ++s) {
      for (const Row& point : *rows[s])
        points[s].insert(points[s].end(), point.begin(), point.end());
      weights[s].insert(weights[s].end(), own[s]->begin(), own[s]->end());
      offsets[s].push_back(static_cast<std::int64_t>(weights[s].size()));
    }
    alone.push_back(std::move(one));
  }
  CloudMeasures<Space> measures(int side) const {
    const auto count = weights[side].size();
    const Matrix<double, Space> table("otfleet::test::points", count, dimension);
    const auto host = Kokkos::create_mirror_view(table);
    std::copy(points[side].begin(), points[side].end(), host.data());
    Kokkos::deep_copy(table, host);
    return {Space(), to_device(weights[side]), table, offsets[side], cost};
  }
  CloudBatch<Space> batch(const std::vector<int>& which) const {
    CloudBatch<Space> result{measures(0), measures(1), which, which};
    return result;
  }
};

Clouds random_problems(Random& random, const GroundCost& cost) {
  Clouds all{cost, 3, {}, {}, {}};
  for (const auto& [n, m] : {std::pair{5, 7},
                             {1, 1},
                             {40, 33},
                             {150, 190},
                             {1, 64},
                             {64, 1},
                             {3, 220},
                             {64, 64},
                             {2, 2},
                             {20, 25},
                             {11, 60}})
    all.add(random, n, m, 0.5 + 0.3 * (all.size() % 4), 0.4 + 0.25 * (all.size() % 5));
  return all;
}

struct Found {
  std::vector<Row> f, g;
  Row mass_potential, dual, primal, cost, mass, residual;
  std::vector<int> iterations, status;
};

Found collect(const CloudPotentials<Space>& potentials, const UnbalancedFigures<Space>& figures,
              const CloudBatch<Space>& batch) {
  Found found{{},
              {},
              to_host(figures.mass_potential),
              to_host(figures.dual_value),
              to_host(figures.primal_value),
              to_host(figures.transport_cost),
              to_host(figures.transported_mass),
              to_host(figures.residual),
              to_host(figures.iterations),
              to_host(figures.status)};
  const Row f = to_host(potentials.f), g = to_host(potentials.g);
  const auto sources = batch.source_offsets(), targets = batch.target_offsets();
  for (int k = 0; k < batch.size(); ++k) {
    found.f.emplace_back(f.begin() + sources[k], f.begin() + sources[k + 1]);
    found.g.emplace_back(g.begin() + targets[k], g.begin() + targets[k + 1]);
  }
  return found;
}

CloudPotentials<Space> zeros_for(const CloudBatch<Space>& batch) {
  return {Vector<double, Space>("otfleet::test::f", batch.source_offsets().back()),
          Vector<double, Space>("otfleet::test::g", batch.target_offsets().back())};
}

Found solve_all(const CloudBatch<Space>& batch, const UnbalancedSettings& settings,
                const IterationWatch& watch = {}) {
  const auto potentials = zeros_for(batch);
  const UnbalancedFigures<Space> figures(batch.size());
  solve_unbalanced(Space(), batch, settings, potentials, figures, watch);
  return collect(potentials, figures, batch);
}

std::vector<int> numbered(int count) {
  std::vector<int> all(count);
  for (int k = 0; k < count; ++k) all[k] = k;
  return all;
}

double largest_difference(const Row& x, const Row& y) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(std::isfinite(x[i]), std::isfinite(y[i]));
    if (std::isfinite(x[i])) largest = std::max(largest, std::abs(x[i] - y[i]));
  }
  return largest;
}

const UnbalancedSettings tested[] = {
    tight(0.05, 0.9, 0.6), tight(0.02, 1, 0.8),    tight(0.05, 0.7, 1),    tight(0.3, 0.5, 0.5),
    tight(0.05, 1, 1),     tight_share(0.05, 0.4), tight_share(0.02, 0.9), tight_share(0.3, 1)};

TEST(UnbalancedClouds, answers_are_those_of_each_problem_alone) {
  Random random(811);
  for (const GroundCost& cost : tested_costs) {
    const Clouds all = random_problems(random, cost);
    const auto batch = all.batch(numbered(all.size()));
    for (const auto& settings : tested) {
      const Found found = solve_all(batch, settings);
      for (int k = 0; k < all.size(); ++k) {
        SCOPED_TRACE(name(cost) + " " + std::to_string(settings.tau_a) + " " +
                     std::to_string(settings.tau_b) + " problem " + std::to_string(k));
        // By the fused kernel of dense costs.
        const auto expected = solve_unbalanced(as_matrix(all.alone[k]), settings);
        ASSERT_EQ(expected.status[0], Status::converged);
        EXPECT_EQ(found.status[k], 0) << found.residual[k] << " " << found.iterations[k];
        EXPECT_NEAR(found.dual[k], expected.dual_value[0], 1e-8);
        EXPECT_NEAR(found.primal[k], expected.primal_value[0], 1e-8);
        EXPECT_NEAR(found.cost[k], expected.transport_cost[0], 1e-8);
        EXPECT_NEAR(found.mass[k], expected.transported_mass[0], 1e-8);
        EXPECT_NEAR(found.iterations[k], expected.iterations[0], 2);
      }
    }
  }
}

TEST(UnbalancedClouds, no_bit_depends_on_the_batch) {
  Random random(812);
  const Clouds all = random_problems(random, SquaredEuclideanCost());
  for (const auto& settings : tested) {
    const Found together = solve_all(all.batch(numbered(all.size())), settings);
    for (const std::vector<int>& some : {std::vector{9}, {10, 0, 2}, {7, 3, 8, 9}}) {
      const Found found = solve_all(all.batch(some), settings);
      for (std::size_t s = 0; s < some.size(); ++s) {
        const int k = some[s];
        EXPECT_EQ(found.f[s], together.f[k]);
        EXPECT_EQ(found.g[s], together.g[k]);
        EXPECT_EQ(found.dual[s], together.dual[k]);
        EXPECT_EQ(found.residual[s], together.residual[k]);
        EXPECT_EQ(found.iterations[s], together.iterations[k]);
      }
    }
  }
}

TEST(UnbalancedClouds, lanes_and_passes_agree_and_a_watch_sees_where_to_go_on) {
  Random random(813);
  const Clouds all = random_problems(random, EuclideanCost());
  const auto batch = all.batch(numbered(all.size()));
  for (auto settings : tested) {
    settings.threshold = 1e-9;
    const Found in_lanes = solve_all(batch, settings);
    int asked = 0;
    const Found in_passes =
        solve_all(batch, settings, [&](int, const std::function<void()>&) { return ++asked > 0; });
    EXPECT_GT(asked, 0);
    // Ended after three iterations, potentials stored, and gone on with.
    const auto potentials = zeros_for(batch);
    const UnbalancedFigures<Space> figures(batch.size());
    solve_unbalanced(Space(), batch, settings, potentials, figures,
                     [&](int made, const std::function<void()>& store) {
                       if (made < 3) return true;
                       store();
                       return false;
                     });
    const Found early = collect(potentials, figures, batch);
    auto further = settings;
    further.from_solution = true;
    solve_unbalanced(Space(), batch, further, potentials, figures);
    const Found late = collect(potentials, figures, batch);
    for (int k = 0; k < all.size(); ++k) {
      EXPECT_LT(largest_difference(in_lanes.f[k], in_passes.f[k]), 1e-6);
      EXPECT_NEAR(in_lanes.dual[k], in_passes.dual[k], 1e-9);
      EXPECT_NEAR(in_lanes.iterations[k], in_passes.iterations[k], 2);
      EXPECT_LE(early.iterations[k], 3);
      EXPECT_EQ(late.status[k], in_passes.status[k]);
      EXPECT_NEAR(early.iterations[k] + late.iterations[k], in_passes.iterations[k], 2);
      EXPECT_NEAR(late.dual[k], in_passes.dual[k], 1e-8);
    }
  }
}

TEST(UnbalancedClouds, a_measure_to_itself) {
  Random random(814);
  Clouds all = random_problems(random, SquaredEuclideanCost());
  for (int k = 0; k < all.size(); ++k) {
    auto& one = all.alone[k];
    one.y = one.x;
    one.targets = one.sources;
  }
  all.points[1] = all.points[0];
  all.weights[1] = all.weights[0];
  all.offsets[1] = all.offsets[0];
  const auto batch = all.batch(numbered(all.size()));
  for (const double tau : {1.0, 0.7}) {
    const auto settings = tight(0.05, tau, tau);
    const auto potentials = zeros_for(batch);
    const UnbalancedFigures<Space> figures(batch.size());
    solve_self_transport(Space(), batch, settings, potentials, figures);
    const Found found = collect(potentials, figures, batch);
    for (int k = 0; k < all.size(); ++k) {
      EXPECT_EQ(found.status[k], 0);
      EXPECT_EQ(found.f[k], found.g[k]);
      const auto expected = solve_unbalanced(as_matrix(all.alone[k]), settings);
      EXPECT_NEAR(found.dual[k], expected.dual_value[0], 1e-8);
      EXPECT_LE(found.iterations[k], 60);
    }
  }
}

TEST(UnbalancedClouds, what_does_not_fit_is_refused) {
  Random random(815);
  Clouds all{SquaredEuclideanCost(), 2, {}, {}, {}};
  all.add(random, 4, 5, 1, 2);
  const auto batch = all.batch({0});
  const UnbalancedFigures<Space> figures(1);
  const auto solve = [&](const UnbalancedSettings& settings, const CloudPotentials<Space>& f,
                         const UnbalancedFigures<Space>& out) {
    solve_unbalanced(Space(), batch, settings, f, out);
  };
  const auto good = zeros_for(batch);
  EXPECT_NO_THROW(solve(tight(0.1, 0.9, 0.9), good, figures));
  EXPECT_THROW(solve(tight(0.1, 1.1, 0.9), good, figures), std::invalid_argument);
  EXPECT_THROW(solve(tight(0, 0.9, 0.9), good, figures), std::invalid_argument);
  EXPECT_THROW(solve(tight_share(0.1, 1.5), good, figures), std::invalid_argument);
  EXPECT_THROW(solve(tight(0.1, 0.9, 0.9), {good.f, good.f}, figures), std::invalid_argument);
  EXPECT_THROW(solve(tight(0.1, 0.9, 0.9), good, UnbalancedFigures<Space>(2)),
               std::invalid_argument);
  Clouds heavy{SquaredEuclideanCost(), 2, {}, {}, {}};
  heavy.add(random, 4, 5, 1e200, 1e200);
  const auto too_heavy = heavy.batch({0});
  EXPECT_THROW(
      solve_unbalanced(Space(), too_heavy, tight(0.1, 0.9, 0.9), zeros_for(too_heavy), figures),
      std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/cloud_measures.hpp"
#include "tests/kernels/traps.hpp"

// Small problems side by side against the same problems one after the other.

namespace otfleet::kernels {
namespace {

using namespace test;

/// A watch that lets everything pass; problems that are watched are solved one after the other.
bool goes_on(int, const std::function<void()>&) {
  return true;
}

/// Forty problems of 1 to 128 points, some without weight, and one that is too large for a lane.
HostMeasures ragged_measures(Random& random, const GroundCost& kind, int dimension) {
  HostMeasures batch{kind};
  for (int k = 0; k < 40; ++k) {
    const auto points = [&] {
      return k % 4 == 3 ? random.integer(80, 128) : random.integer(1, 30);
    };
    batch.sources.push_back(random_measure(random, kind, points(), dimension, k % 3 * 0.3));
    batch.targets.push_back(random_measure(random, kind, points(), dimension, k % 2 * 0.4));
    batch.pair(k, k);
  }
  batch.sources[5] = random_measure(random, kind, 150, dimension);
  for (double& weight : batch.sources[7].weights) weight *= 1e5;  // masses may differ
  for (double& weight : batch.targets[8].weights) weight *= 1e-5;
  batch.targets[9].weights[0] = 1e-300;
  return batch;
}

void expect_close(const Row& found, const Row& expected, double most) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(found[i] == expected[i] || std::abs(found[i] - expected[i]) <= most)
        << i << ": " << found[i] << " for " << expected[i];
}

TEST(SmallClouds, iterations_are_those_of_one_problem_after_the_other) {
  Random random(201);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {1e-3, 0.03, 1.0})
      for (Acceleration acceleration : {Acceleration::none, Acceleration::momentum}) {
        SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
        const auto batch = ragged_measures(random, kind, 3);
        // Where mass waits for dozens of iterations, rounding decides when the momentum restarts.
        if (acceleration == Acceleration::momentum && epsilon < 0.03) continue;
        auto settings = settings_for(epsilon, 1e-4, 40);
        settings.acceleration = acceleration;
        settings.inner_iterations = 3;
        const auto found = solve<double>(batch, settings, nullptr, 41);
        const auto expected = solve<double>(batch, settings, nullptr, 41, goes_on);
        EXPECT_EQ(found.status, expected.status);
        EXPECT_EQ(found.iterations, expected.iterations);
        for (int k = 0; k < batch.size(); ++k) {
          SCOPED_TRACE("problem " + std::to_string(k));
          expect_close(found.f[k], expected.f[k], 1e-9);
          const double mass = batch.problem(k, epsilon).mass();
          for (int t = 0; t <= 40; ++t)
            EXPECT_TRUE(std::isnan(found.errors[k][t])
                            ? std::isnan(expected.errors[k][t])
                            : std::abs(found.errors[k][t] - expected.errors[k][t]) < 1e-9 * mass)
                << t;
        }
      }
}

TEST(SmallClouds, floats_agree_as_far_as_they_carry) {
  Random random(202);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {1e-2, 1.0}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
      const auto batch = ragged_measures(random, kind, 2);
      const auto settings = settings_for(epsilon, 1e-300, 20);
      const auto found = solve<float>(batch, settings);
      const auto expected = solve<double>(batch, settings, nullptr, 0, goes_on);
      for (int k = 0; k < batch.size(); ++k) {
        EXPECT_NE(found.status[k], Status::not_finite);
        if (found.iterations[k] != expected.iterations[k])
          continue;  // an error of 0 ends a problem
        EXPECT_LT(distance_up_to_constant(found.f[k], expected.f[k]), 5e-5) << k;
      }
    }
}

TEST(SmallClouds, certificates_are_those_of_one_problem_after_the_other) {
  Random random(203);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {1e-3, 0.1}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
      const auto batch = ragged_measures(random, kind, 3);
      auto f = solve<double>(batch, settings_for(epsilon, 1e-3, 20)).f;
      for (double& x : f[11]) x += random.uniform(-0.1, 0.1);
      const auto found = judge(batch, epsilon, f);
      for (int k = 0; k < batch.size(); ++k) {
        SCOPED_TRACE("problem " + std::to_string(k));
        const auto expected = test::judge(batch.clouds(k), epsilon, {f[k]});
        const double close = 1e-9 * batch.problem(k, epsilon).mass();
        expect_close(found.g[k], expected.g[0], 1e-9);
        EXPECT_NEAR(found.marginal_error[k], expected.marginal_error[0], close);
        EXPECT_NEAR(found.dual_value[k], expected.dual_value[0], close);
        EXPECT_NEAR(found.transport_cost[k], expected.transport_cost[0], close);
        EXPECT_NEAR(found.upper_bound[k], expected.upper_bound[0], close);
        EXPECT_NEAR(found.lower_bound[k], expected.lower_bound[0], close);
      }
    }
}

TEST(SmallClouds, padding_outlasts_many_tiles) {
  Random random(208);
  HostMeasures batch;
  for (int k = 0; k < 600; ++k) {
    batch.sources.push_back(random_measure(random, batch.cost, random.integer(1, 12), 2));
    batch.targets.push_back(random_measure(random, batch.cost, random.integer(1, 12), 2));
    batch.pair(k, k);
  }
  const auto found = solve<double>(batch, settings_for(0.05, 1e-6, 300));
  const auto judged = judge(batch, 0.05, found.f);
  for (int k = 0; k < batch.size(); ++k) {
    SCOPED_TRACE("problem " + std::to_string(k));
    const auto problem = batch.problem(k, 0.05);
    EXPECT_NEAR(judged.dual_value[k], dual_value(problem, found.f[k]), 1e-12);
    EXPECT_NEAR(judged.upper_bound[k], upper_bound(problem, found.f[k]), 1e-10);
  }
}

template <class Scalar>
void expect_same_bits_in_any_company(const GroundCost& kind) {
  Random random(204);
  const auto batch = ragged_measures(random, kind, 2);
  auto settings = settings_for(0.02, 1e-3, 60);
  settings.acceleration = Acceleration::momentum;
  const auto together = solve<Scalar>(batch, settings, nullptr, 61);
  const auto judged = judge(batch, 0.02, together.f);
  // Backward, every third one left out.
  auto others = batch;
  others.source_index.clear();
  others.target_index.clear();
  for (int k = batch.size() - 1; k >= 0; --k)
    if (k % 3 != 1) others.pair(k, k);
  const auto apart = solve<Scalar>(others, settings, nullptr, 61);
  const auto again = judge(others, 0.02, apart.f);
  for (int i = 0; i < others.size(); ++i) {
    const int k = others.source_index[i];
    SCOPED_TRACE("problem " + std::to_string(k));
    EXPECT_EQ(apart.f[i], together.f[k]);
    EXPECT_EQ(apart.iterations[i], together.iterations[k]);
    EXPECT_EQ(apart.status[i], together.status[k]);
    for (int t = 0; t <= apart.iterations[i]; ++t)
      EXPECT_EQ(apart.errors[i][t], together.errors[k][t]);
    EXPECT_EQ(again.g[i], judged.g[k]);
    EXPECT_EQ(again.marginal_error[i], judged.marginal_error[k]);
    EXPECT_EQ(again.dual_value[i], judged.dual_value[k]);
    EXPECT_EQ(again.transport_cost[i], judged.transport_cost[k]);
    EXPECT_EQ(again.upper_bound[i], judged.upper_bound[k]);
    EXPECT_EQ(again.lower_bound[i], judged.lower_bound[k]);
  }
}

TEST(SmallClouds, company_changes_no_bit) {
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    expect_same_bits_in_any_company<double>(kind);
    expect_same_bits_in_any_company<float>(kind);
  }
}

TEST(SmallClouds, what_breaks_down_breaks_down_alone) {
  const WithoutTraps without_traps;
  Random random(205);
  const auto batch = ragged_measures(random, EuclideanCost(), 3);
  const auto settings = settings_for(0.05, 1e-4, 200);
  const auto good = solve<double>(batch, settings);
  Rows zeros, start;
  for (const Row& row : good.f) zeros.emplace_back(row.size(), 0.0);
  start = zeros;
  for (int k : {2, 3, 20}) start[k].assign(start[k].size(), std::nan(""));
  start[21].assign(start[21].size(), -std::numeric_limits<double>::infinity());
  const auto broken = [](int k) { return k == 2 || k == 3 || k == 20 || k == 21; };
  const auto from_zeros = solve<double>(batch, settings, &zeros);
  const auto found = solve<double>(batch, settings, &start, 1);
  const auto judged = judge(batch, 0.05, start), whole = judge(batch, 0.05, zeros);
  for (int k = 0; k < batch.size(); ++k) {
    SCOPED_TRACE("problem " + std::to_string(k));
    EXPECT_EQ(found.status[k] == Status::not_finite, broken(k));
    EXPECT_EQ(from_zeros.f[k], good.f[k]);
    if (broken(k)) {
      EXPECT_EQ(found.iterations[k], 0);
    } else {
      EXPECT_EQ(found.f[k], good.f[k]);
      EXPECT_EQ(judged.upper_bound[k], whole.upper_bound[k]);
      EXPECT_EQ(judged.dual_value[k], whole.dual_value[k]);
    }
  }
}

TEST(SmallClouds, doubtful_starts_are_replaced_where_zeros_are_better) {
  const WithoutTraps without_traps;
  Random random(206);
  const auto batch = ragged_measures(random, SquaredEuclideanCost(), 3);
  auto settings = settings_for(0.05, 1e-6, 500);
  settings.acceleration = Acceleration::momentum;
  Rows start = solve<double>(batch, settings).f;
  for (int k : {1, 5, 13, 14})
    start[k] = random.uniform_row(static_cast<int>(start[k].size()), -9, 9);
  start[15].assign(start[15].size(), std::nan(""));
  settings.doubtful_error = 0.25;
  const auto run = [&](const IterationWatch& watch) {
    const auto problems = on_device(batch);
    const auto f = on_device(flat(start));
    const Vector<int, Space> iterations("otfleet::test::iterations", batch.size());
    const Vector<int, Space> status("otfleet::test::status", batch.size());
    const Vector<int, Space> replaced("otfleet::test::replaced", batch.size());
    sinkhorn<double>(Space(), problems, settings, false, f, iterations, status, {}, replaced,
                     watch);
    const auto counts = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), iterations);
    const auto flags = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), replaced);
    std::vector<int> result(counts.data(), counts.data() + batch.size());
    result.insert(result.end(), flags.data(), flags.data() + batch.size());
    return result;
  };
  const auto found = run({});
  EXPECT_EQ(found, run(goes_on));
  EXPECT_EQ(found[batch.size() + 13], 1);
  EXPECT_EQ(found[batch.size() + 15], 1);
  EXPECT_EQ(found[batch.size() + 2], 0);
}

TEST(SmallClouds, limits_of_iterations_and_dimensions) {
  Random random(207);
  for (int dimension : {1, 7, 40, 300}) {
    HostMeasures batch;
    for (int k = 0; k < 20; ++k) {
      batch.sources.push_back(random_measure(random, batch.cost, random.integer(1, 60), dimension));
      batch.targets.push_back(random_measure(random, batch.cost, random.integer(1, 60), dimension));
      batch.pair(k, k);
    }
    for (int limit : {0, 1, 4}) {
      const auto settings = settings_for(0.05, 1e-7, limit);
      const auto found = solve<double>(batch, settings);
      const auto expected = solve<double>(batch, settings, nullptr, 0, goes_on);
      EXPECT_EQ(found.iterations, expected.iterations);
      EXPECT_EQ(found.status, expected.status);
      expect_close(flat(found.f), flat(expected.f), 1e-10);
    }
  }
}

}  // namespace
}  // namespace otfleet::kernels

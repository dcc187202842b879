#include "kernels/solvers/sinkhorn/sinkhorn_in_passes.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/operators/form_choice.hpp"
#include "kernels/outputs/certificate_in_passes.hpp"
#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/traps.hpp"

// Cost matrices in passes beside the same problems in tiles.

namespace otfleet::kernels {
namespace {

using namespace test;

template <class Scalar>
Solution solve_in_passes(const HostBatch& batch, const SinkhornSettings& settings,
                         const Rows* start = nullptr) {
  const auto f =
      on_device(start ? *start : Rows(batch.size(), Row(batch.cost.n(), 0.0)), batch.cost.n());
  const Vector<int, Space> iterations("otfleet::test::iterations", batch.size());
  const Vector<int, Space> status("otfleet::test::status", batch.size());
  sinkhorn_in_passes<Scalar>(Space(), batch.cost, on_device(batch), settings, start == nullptr, f,
                             iterations, status);
  const auto done = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), iterations);
  return {on_host(f), std::vector<int>(done.data(), done.data() + batch.size()), {}, {}};
}

Judgment judge_in_passes(const HostBatch& batch, double epsilon, const Rows& f) {
  const Certificates<Space> certificates(batch.size());
  const Matrix<double, Space> g("otfleet::test::g", batch.size(), batch.cost.m());
  certify_in_passes<Space>(Space(), batch.cost, on_device(batch), epsilon,
                           on_device(f, batch.cost.n()), g, certificates);
  const auto row = [](const Vector<double, Space>& values) {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
    return Row(host.data(), host.data() + host.extent(0));
  };
  return {on_host(g),
          row(certificates.dual_value),
          row(certificates.transport_cost),
          row(certificates.upper_bound),
          row(certificates.lower_bound),
          row(certificates.marginal_error)};
}

/// Random costs, sizes that fill no pack, an offset.
HostBatch random_matrix(Random& random, int n, int m, double offset, double zero_share,
                        double forbidden = 0) {
  Row costs = random.uniform_row(n * m, offset, offset + 2);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j)
      if (random.uniform() < forbidden && (i + j) % 3 != 0) costs[i * m + j] = infinity;
  return random_batch(random, SeparableCost::dense(n, m, costs), 5, zero_share);
}

TEST(StoredCost, passes_find_what_tiles_find) {
  Random random(95);
  for (const auto& [n, m] : {std::pair{1, 1}, {5, 70}, {49, 33}, {97, 101}})
    for (double zero_share : {0.0, 0.3})
      for (double offset : {0.0, -3.0, 1e6})
        for (double epsilon : {0.01, 0.3}) {
          SCOPED_TRACE(std::to_string(n) + " " + std::to_string(offset) + " " +
                       std::to_string(epsilon));
          const auto batch = random_matrix(random, n, m, offset, zero_share);
          auto settings = settings_for(epsilon, 1e-7, 200);
          for (const auto acceleration : {Acceleration::none, Acceleration::momentum}) {
            settings.acceleration = acceleration;
            const auto tiles = solve<double>(batch, settings);
            const auto passes = solve_in_passes<double>(batch, settings);
            for (int k = 0; k < batch.size(); ++k) {
              EXPECT_NEAR(passes.iterations[k], tiles.iterations[k], 1);
              EXPECT_LT(distance_up_to_constant(passes.f[k], tiles.f[k]), 1e-6);
            }
          }
          const auto f = solve_in_passes<double>(batch, settings).f;
          const auto expected = judge(batch, epsilon, f),
                     found = judge_in_passes(batch, epsilon, f);
          const double close = 1e-9 * (1 + std::abs(offset));
          for (int k = 0; k < batch.size(); ++k) {
            EXPECT_NEAR(found.marginal_error[k], expected.marginal_error[k], 1e-9);
            EXPECT_NEAR(found.dual_value[k], expected.dual_value[k], close);
            EXPECT_NEAR(found.transport_cost[k], expected.transport_cost[k], close);
            EXPECT_NEAR(found.upper_bound[k], expected.upper_bound[k], close);
            EXPECT_NEAR(found.lower_bound[k], expected.lower_bound[k], close);
            for (int j = 0; j < m; ++j)
              EXPECT_TRUE(found.g[k][j] == expected.g[k][j] ||
                          std::abs(found.g[k][j] - expected.g[k][j]) < close);
          }
        }
}

TEST(StoredCost, float_and_given_starts) {
  Random random(96);
  const auto batch = random_matrix(random, 60, 45, 0.5, 0.2);
  const auto settings = settings_for(0.1, 1e-4, 500);
  const auto exact = solve<double>(batch, settings_for(0.1, 1e-9, 5000)).f;
  const auto single = judge_in_passes(batch, 0.1, solve_in_passes<float>(batch, settings).f);
  const auto warm = solve_in_passes<double>(batch, settings, &exact);
  for (int k = 0; k < batch.size(); ++k) {
    EXPECT_LT(single.marginal_error[k], 1.1e-4);
    EXPECT_EQ(warm.iterations[k], 0);
  }
}

TEST(StoredCost, forbidden_entries_carry_nothing) {
  Random random(97);
  for (int size : {20, 61}) {
    const auto batch = random_matrix(random, size, size + 7, 0, 0, 0.4);
    const auto settings = settings_for(0.05, 1e-5, 20000);
    const auto tiles = solve<double>(batch, settings),
               passes = solve_in_passes<double>(batch, settings);
    const auto expected = judge(batch, 0.05, tiles.f),
               found = judge_in_passes(batch, 0.05, passes.f);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_NEAR(found.transport_cost[k], expected.transport_cost[k], 1e-5);
      EXPECT_NEAR(found.lower_bound[k], expected.lower_bound[k], 1e-3);
      EXPECT_NEAR(found.dual_value[k], expected.dual_value[k], 1e-5);
    }
  }
}

/// Whose costs are computed.
TEST(StoredCost, a_line_in_passes) {
  Random random(99);
  Row line = random.uniform_row(83, 1e3, 1e3 + 2);
  auto batch = random_batch(random, SeparableCost::squared_euclidean_grid({line}), 4, 0.3);
  for (double epsilon : {0.005, 0.5}) {
    const auto settings = settings_for(epsilon, 1e-7, 3000);
    const auto f = solve_in_passes<double>(batch, settings).f;
    const auto tiles = judge(batch, epsilon, f), passes = judge_in_passes(batch, epsilon, f);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_NEAR(passes.marginal_error[k], tiles.marginal_error[k], 1e-9);
      EXPECT_NEAR(passes.dual_value[k], tiles.dual_value[k], 1e-9);
      EXPECT_NEAR(passes.transport_cost[k], tiles.transport_cost[k], 1e-9);
      EXPECT_NEAR(passes.upper_bound[k], tiles.upper_bound[k], 1e-8);
      EXPECT_NEAR(passes.lower_bound[k], tiles.lower_bound[k], 1e-8);
    }
  }
}

/// sinkhorn() and certify() take them where a matrix is large.
TEST(StoredCost, one_large_problem) {
  Random random(98);
  const auto batch = random_matrix(random, 400, 300, 0, 0.1).subset({0});
  EXPECT_TRUE(prefers_passes<Space>(batch.cost, 1, true));
  EXPECT_FALSE(prefers_passes<Space>(batch.cost, 100, true));
  EXPECT_FALSE(
      prefers_passes<Space>(SeparableCost::squared_euclidean_grid({{0, 1}, {0, 1}}), 1, false));
  const auto settings = settings_for(0.02, 1e-6, 1000);
  const auto solution = solve<double>(batch, settings);
  EXPECT_EQ(solution.f, solve_in_passes<double>(batch, settings).f);
  const auto judged = judge(batch, 0.02, solution.f);
  const auto problem = dense_problem(batch, 0, 0.02);
  EXPECT_NEAR(judged.transport_cost[0], transport_cost(problem, solution.f[0]), 1e-9);
  EXPECT_NEAR(judged.upper_bound[0], upper_bound(problem, solution.f[0]), 1e-9);
  EXPECT_NEAR(judged.lower_bound[0], lower_bound(problem, solution.f[0]), 1e-9);
}

}  // namespace
}  // namespace otfleet::kernels

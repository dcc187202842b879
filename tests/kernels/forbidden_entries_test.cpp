#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "kernels/outputs/sparse_plan.hpp"
#include "kernels/solvers/newton/newton.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"
#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/traps.hpp"

// +inf in a cost matrix: no mass may go that way.

namespace otfleet::kernels {
namespace {

using namespace test;

/// A cost of whole numbers with forbidden entries, and problems that have a plan without them: the
/// weights are the sums of one.
HostBatch random_forbidding(Random& random, int n, int m, int problems, double forbidden) {
  Row costs;
  for (int at = 0; at < n * m; ++at)
    costs.push_back(random.uniform() < forbidden ? infinity : random.integer(0, 20));
  for (int i = 0; i < n; ++i) costs[i * m + i * m / n] = random.integer(0, 20);
  for (int j = 0; j < m; ++j) costs[j * n / m * m + j] = random.integer(0, 20);
  HostBatch batch{SeparableCost::dense(n, m, costs)};
  for (int k = 0; k < problems; ++k) {
    Row a(n, 0.0), b(m, 0.0);
    for (int moved = 0; moved < 3 * (n + m);) {
      const int i = random.integer(0, n - 1), j = random.integer(0, m - 1);
      if (!std::isfinite(costs[i * m + j])) continue;
      ++moved;
      a[i] += 1;
      b[j] += 1;
    }
    batch.add(a, b);
  }
  return batch;
}

long double exact(const HostBatch& batch, int k) {
  Row costs = cost_matrix(batch.cost);
  for (double& cost : costs) cost = std::isfinite(cost) ? cost : 1e6;
  return exact_integer_cost(batch.sources[k], batch.targets[k], costs);
}

Solution solve_newton(const HostBatch& batch, double epsilon, double threshold) {
  NewtonSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = threshold;
  settings.max_iterations = 2000;
  const auto f = on_device(Rows(batch.size(), Row(batch.cost.n(), 0.0)), batch.cost.n());
  const Vector<int, Space> iterations("otfleet::test::iterations", batch.size());
  const Vector<int, Space> status("otfleet::test::status", batch.size());
  newton<Space>(Space(), batch.cost, on_device(batch), settings, true, f, iterations, status);
  return {on_host(f), {}, {}, {}};
}

TEST(ForbiddenEntries, carry_no_mass_and_bounds_hold_exactly) {
  Random random(91);
  for (double forbidden : {0.2, 0.6, 0.9})
    for (double epsilon : {0.02, 0.5, 20.0})
      for (int size : {3, 12, 40}) {
        SCOPED_TRACE(std::to_string(forbidden) + " " + std::to_string(epsilon) + " " +
                     std::to_string(size));
        const auto batch = random_forbidding(random, size, size + size / 2, 4, forbidden);
        const double mass = dense_problem(batch, 0, 1).mass();
        const auto settings = settings_for(epsilon, 1e-4, 3000);
        for (const auto& f : {solve<double>(batch, settings).f, solve<float>(batch, settings).f,
                              solve_newton(batch, epsilon, 1e-4).f}) {
          const auto judged = judge(batch, epsilon, f);
          for (int k = 0; k < batch.size(); ++k) {
            const long double optimum = exact(batch, k);
            EXPECT_TRUE(std::isfinite(judged.transport_cost[k]));
            EXPECT_TRUE(std::isfinite(judged.dual_value[k]));
            EXPECT_LE(static_cast<long double>(judged.lower_bound[k]), optimum);
            EXPECT_GE(static_cast<long double>(judged.upper_bound[k]), optimum);
            EXPECT_TRUE(std::isfinite(judged.upper_bound[k]));
          }
        }
        const auto judged = judge(batch, epsilon, solve_newton(batch, epsilon, 1e-4).f);
        for (int k = 0; k < batch.size(); ++k) {
          EXPECT_LE(judged.marginal_error[k], 1e-4);
          EXPECT_NEAR(judged.upper_bound[k], judged.transport_cost[k], 0.05 * mass);
        }
      }
}

/// Entries that are forbidden change nothing where the plan would not use them.
TEST(ForbiddenEntries, equal_large_finite_ones) {
  Random random(92);
  const auto shape = random_cost(random, Geometry::dense);
  const int n = shape.n(), m = shape.m();
  Row costs = cost_matrix(shape), large = costs;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j)
      if ((i + 2 * j) % 5 == 0) {
        costs[i * m + j] = infinity;
        large[i * m + j] = 200;
      }
  auto batch = random_batch(random, SeparableCost::dense(n, m, costs), 5);
  auto finite = batch;
  finite.cost = SeparableCost::dense(n, m, large);
  const auto settings = settings_for(0.1, 1e-9, 20000);
  const auto one = judge(batch, 0.1, solve<double>(batch, settings).f);
  const auto other = judge(finite, 0.1, solve<double>(finite, settings).f);
  for (int k = 0; k < batch.size(); ++k) {
    EXPECT_NEAR(one.transport_cost[k], other.transport_cost[k], 1e-8);
    EXPECT_NEAR(one.dual_value[k], other.dual_value[k], 1e-8);
    EXPECT_NEAR(one.upper_bound[k], other.upper_bound[k], 1e-6);
  }
}

TEST(ForbiddenEntries, sparse_plans_leave_them_out) {
  Random random(93);
  const auto batch = random_forbidding(random, 12, 9, 5, 0.5);
  const auto f = solve_newton(batch, 0.5, 1e-4).f;
  const auto judged = judge(batch, 0.5, f);
  const auto plan = sparse_plan<Space>(
      Space(), batch.cost, on_device(batch), 0.5, on_device(f, batch.cost.n()),
      on_device(judged.g, batch.cost.m()), {EntrySelection::Rule::threshold, 1, 1e-12});
  const auto columns = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), plan.columns);
  const auto offsets = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), plan.offsets);
  const Row costs = cost_matrix(batch.cost);
  for (int k = 0; k < batch.size(); ++k)
    for (int i = 0; i < batch.cost.n(); ++i) {
      const int row = k * (batch.cost.n() + 1) + i;
      for (auto at = offsets(row); at < offsets(row + 1); ++at)
        EXPECT_TRUE(std::isfinite(costs[i * batch.cost.m() + columns(at)]));
    }
}

TEST(ForbiddenEntries, stand_in_dense_costs_alone) {
  EXPECT_THROW(SeparableCost::dense(1, 2, {infinity, infinity}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(1, 2, {0, -infinity}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(1, 2, {0, std::nan("")}), std::invalid_argument);
  EXPECT_THROW(SeparableCost({{1, 2, {0, infinity}}, {1, 1, {0}}}), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

#include "tests/kernels/unbalanced_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/outputs/position_gradient.hpp"

namespace otfleet::kernels::test {
namespace {

using Real = long double;
using RealRow = std::vector<Real>;

Real entropy_term(Real x, Real y) {
  return (x > 0 ? x * std::log(x / y) : Real(0)) - x + y;
}

/// −epsilon log sum_j w_j exp((h_j − C(i, j))/epsilon), 0 where all weights are 0.
template <class Cost>
Real soft_minimum(const RealRow& h, const Row& w, Real epsilon, const Cost& cost) {
  Real largest = -std::numeric_limits<Real>::infinity(), sum = 0;
  for (std::size_t j = 0; j < h.size(); ++j)
    if (w[j] > 0) largest = std::max(largest, h[j] - cost(j));
  for (std::size_t j = 0; j < h.size(); ++j)
    if (w[j] > 0) sum += w[j] * std::exp((h[j] - cost(j) - largest) / epsilon);
  return -largest - epsilon * std::log(sum);
}

ReferencePlan judge_plan(const DenseProblem& problem, const std::vector<RealRow>& plan, Real rho_a,
                         Real rho_b) {
  ReferencePlan result;
  RealRow rows(problem.n, 0), columns(problem.m, 0);
  Real value = 0, cost = 0, mass = 0;
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j) {
      const Real p = plan[i][j], q = static_cast<Real>(problem.a[i]) * problem.b[j];
      if (!(q > 0)) continue;
      cost += p * problem.c(i, j);
      value += problem.epsilon * entropy_term(p, q);
      rows[i] += p;
      columns[j] += p;
      mass += p;
    }
  value += cost;
  for (int i = 0; i < problem.n && std::isfinite(rho_a); ++i)
    if (problem.a[i] > 0) value += rho_a * entropy_term(rows[i], problem.a[i]);
  for (int j = 0; j < problem.m && std::isfinite(rho_b); ++j)
    if (problem.b[j] > 0) value += rho_b * entropy_term(columns[j], problem.b[j]);
  for (const RealRow& row : plan) result.plan.emplace_back(row.begin(), row.end());
  result.value = static_cast<double>(value);
  result.cost = static_cast<double>(cost);
  result.mass = static_cast<double>(mass);
  result.rows = Row(rows.begin(), rows.end());
  result.columns = Row(columns.begin(), columns.end());
  return result;
}

std::vector<int> on_host(const Vector<int, Space>& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return std::vector<int>(host.data(), host.data() + host.extent(0));
}
Row on_host(const Vector<double, Space>& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return Row(host.data(), host.data() + host.extent(0));
}

template <class Cost>
UnbalancedSolution<Space> solve(const Cost& cost, const ProblemBatch<Space>& problems,
                                const UnbalancedSettings& settings) {
  const UnbalancedSolution<Space> solution(problems.size(), cost.n(), cost.m());
  kernels::solve_unbalanced(Space(), cost, problems, settings, solution);
  return solution;
}

struct DeviceGradients {
  Matrix<double, Space> by_source, by_target;

  DeviceGradients(int batch, int source, int target)
      : by_source("otfleet::test::by_source", batch, source),
        by_target("otfleet::test::by_target", batch, target) {}
  Gradients host() const { return {test::on_host(by_source), test::on_host(by_target)}; }
};

template <class Cost>
Gradients weight_gradients(const Cost& cost, const ProblemBatch<Space>& problems,
                           const UnbalancedSettings& settings) {
  const DeviceGradients found(problems.size(), cost.n(), cost.m());
  differentiate_by_weights(Space(), cost, problems, settings, solve(cost, problems, settings),
                           found.by_source, found.by_target);
  return found.host();
}

/// Costs within the points of either side.
struct SelfCosts {
  PointCloudCost<Space> source, target;

  explicit SelfCosts(const HostClouds& clouds)
      : source(test::on_device(HostClouds{clouds.cost, clouds.x, clouds.x, {}, {}})),
        target(test::on_device(HostClouds{clouds.cost, clouds.y, clouds.y, {}, {}})) {}
};

}  // namespace

double mass_of(const Row& weights) {
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

Row scaled(Row row, double factor) {
  for (double& x : row) x *= factor;
  return row;
}

UnbalancedSettings tight(double epsilon, double tau_a, double tau_b) {
  UnbalancedSettings settings;
  settings.epsilon = epsilon;
  settings.tau_a = tau_a;
  settings.tau_b = tau_b;
  settings.threshold = 1e-11;
  settings.max_iterations = 20000;
  return settings;
}

UnbalancedSettings tight_share(double epsilon, double share) {
  UnbalancedSettings settings = tight(epsilon, 1, 1);
  settings.transported_share = share;
  return settings;
}

SeparableCost positive_cost(Random& random, Geometry geometry) {
  std::vector<AxisCost> axes = random_cost(random, geometry).axes();
  for (AxisCost& axis : axes) {
    const double low = *std::min_element(axis.values.begin(), axis.values.end());
    for (double& value : axis.values) value -= std::min(low, 0.0);
  }
  return SeparableCost(axes);
}

HostBatch random_masses(Random& random, const SeparableCost& cost, int size, double zero_share) {
  HostBatch batch = random_batch(random, cost, size, zero_share);
  for (Row& row : batch.sources) row = scaled(row, random.uniform(0.3, 3));
  for (Row& row : batch.targets) row = scaled(row, random.uniform(0.3, 3));
  return batch;
}

Rows plan_of(const DenseProblem& problem, const HostUnbalanced& found, int k) {
  Rows plan(problem.n, Row(problem.m, 0.0));
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j)
      if (problem.a[i] > 0 && problem.b[j] > 0)
        plan[i][j] =
            std::exp((found.f[k][i] + found.g[k][j] + found.mass_potential[k] - problem.c(i, j)) /
                     problem.epsilon);
  return plan;
}

void expect_matches(const ReferencePlan& expected, const DenseProblem& problem,
                    const HostUnbalanced& found, int k, double close) {
  EXPECT_EQ(found.status[k], Status::converged) << found.residual[k] << " " << found.iterations[k];
  EXPECT_LT(found.residual[k], 1e-10);
  double scale = 0;
  for (double c : problem.cost) scale = std::max(scale, std::abs(c));
  const double unit = close * (1 + expected.mass) * (scale + problem.epsilon);
  EXPECT_NEAR(found.primal_value[k], expected.value, unit + close * std::abs(expected.value));
  EXPECT_NEAR(found.dual_value[k], expected.value, unit + close * std::abs(expected.value));
  EXPECT_NEAR(found.transport_cost[k], expected.cost, unit);
  EXPECT_NEAR(found.transported_mass[k], expected.mass, close * (1 + expected.mass));
  const Rows plan = plan_of(problem, found, k);
  double difference = 0;
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j) difference += std::abs(plan[i][j] - expected.plan[i][j]);
  EXPECT_LT(difference, close * (1 + expected.mass));
}

ReferencePlan solve_unbalanced_reference(const DenseProblem& problem, double tau_a, double tau_b) {
  const Real epsilon = problem.epsilon;
  RealRow f(problem.n, 0), g(problem.m, 0);
  for (int t = 0; t < 200000; ++t) {
    Real change = 0;
    for (int j = 0; j < problem.m; ++j) {
      if (!(problem.b[j] > 0)) continue;
      const Real update =
          tau_b * soft_minimum(f, problem.a, epsilon, [&](int i) { return Real(problem.c(i, j)); });
      change = std::max(change, std::abs(update - g[j]));
      g[j] = update;
    }
    for (int i = 0; i < problem.n; ++i)
      if (problem.a[i] > 0)
        f[i] = tau_a *
               soft_minimum(g, problem.b, epsilon, [&](int j) { return Real(problem.c(i, j)); });
    if (t > 0 && change < 1e-16L * (1 + std::abs(g[0]))) break;
  }
  std::vector<RealRow> plan(problem.n, RealRow(problem.m, 0));
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j)
      if (problem.a[i] > 0 && problem.b[j] > 0)
        plan[i][j] = static_cast<Real>(problem.a[i]) * problem.b[j] *
                     std::exp((f[i] + g[j] - problem.c(i, j)) / epsilon);
  const auto rho = [&](Real tau) {
    return tau < 1 ? epsilon * tau / (1 - tau) : std::numeric_limits<Real>::infinity();
  };
  return judge_plan(problem, plan, rho(tau_a), rho(tau_b));
}

ReferencePlan solve_partial_reference(const DenseProblem& problem, double share) {
  const Real mass_a = problem.mass(),
             mass_b = std::accumulate(problem.b.begin(), problem.b.end(), Real(0));
  const Real mass = share * std::min(mass_a, mass_b);
  const auto n = static_cast<std::size_t>(problem.n), m = static_cast<std::size_t>(problem.m);
  std::vector<RealRow> plan(n, RealRow(m, 0));
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j)
      plan[i][j] = static_cast<Real>(problem.a[i]) * problem.b[j] *
                   std::exp(-static_cast<Real>(problem.c(i, j)) / problem.epsilon);
  // Dykstra's corrections of the bounds; the equality needs none. They are constant along rows and
  // columns.
  RealRow row_factor(n, 1), column_factor(m, 1);
  for (int t = 0; t < 200000; ++t) {
    Real change = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (!(problem.a[i] > 0)) continue;
      Real sum = 0;
      for (Real p : plan[i]) sum += p / row_factor[i];
      const Real factor = std::min(Real(1), problem.a[i] / sum);
      change = std::max(change, std::abs(factor - row_factor[i]));
      for (Real& p : plan[i]) p *= factor / row_factor[i];
      row_factor[i] = factor;
    }
    for (std::size_t j = 0; j < m; ++j) {
      if (!(problem.b[j] > 0)) continue;
      Real sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += plan[i][j] / column_factor[j];
      const Real factor = std::min(Real(1), problem.b[j] / sum);
      change = std::max(change, std::abs(factor - column_factor[j]));
      for (std::size_t i = 0; i < n; ++i) plan[i][j] *= factor / column_factor[j];
      column_factor[j] = factor;
    }
    Real total = 0;
    for (const RealRow& row : plan) total += std::accumulate(row.begin(), row.end(), Real(0));
    change = std::max(change, std::abs(mass / total - 1));
    for (RealRow& row : plan)
      for (Real& p : row) p *= mass / total;
    if (change < 1e-17L) break;
  }
  constexpr Real none = std::numeric_limits<Real>::infinity();
  return judge_plan(problem, plan, none, none);
}

DenseProblem unscaled_problem(const HostBatch& batch, int k, double epsilon) {
  DenseProblem problem = dense_problem(batch, k, epsilon);
  problem.b = batch.targets[batch.target_index[k]];
  return problem;
}

HostUnbalanced on_host(const UnbalancedSolution<Space>& solution) {
  HostUnbalanced host{test::on_host(solution.f),          test::on_host(solution.g),
                      on_host(solution.mass_potential),   on_host(solution.dual_value),
                      on_host(solution.primal_value),     on_host(solution.transport_cost),
                      on_host(solution.transported_mass), on_host(solution.residual),
                      on_host(solution.iterations),       {}};
  for (int value : on_host(solution.status)) host.status.push_back(static_cast<Status>(value));
  return host;
}

HostUnbalanced solve_unbalanced(const HostBatch& batch, const UnbalancedSettings& settings) {
  return on_host(solve(batch.cost, on_device(batch), settings));
}
HostUnbalanced solve_unbalanced(const HostClouds& clouds, const UnbalancedSettings& settings) {
  return on_host(solve(on_device(clouds), problems_on_device(clouds), settings));
}

HostUnbalanced certify_unbalanced(const HostBatch& batch, const UnbalancedSettings& settings,
                                  const HostUnbalanced& given) {
  UnbalancedSolution<Space> solution(batch.size(), batch.cost.n(), batch.cost.m());
  solution.f = on_device(given.f, batch.cost.n());
  solution.g = on_device(given.g, batch.cost.m());
  const auto lambda = Kokkos::create_mirror_view(solution.mass_potential);
  std::copy(given.mass_potential.begin(), given.mass_potential.end(), lambda.data());
  Kokkos::deep_copy(solution.mass_potential, lambda);
  kernels::certify_unbalanced(Space(), batch.cost, on_device(batch), settings, solution);
  return on_host(solution);
}

Gradients weight_gradients(const HostBatch& batch, const UnbalancedSettings& settings) {
  return weight_gradients(batch.cost, on_device(batch), settings);
}
Gradients weight_gradients(const HostClouds& clouds, const UnbalancedSettings& settings) {
  return weight_gradients(on_device(clouds), problems_on_device(clouds), settings);
}

Gradients position_gradients(const HostClouds& clouds, const UnbalancedSettings& settings) {
  const auto cost = on_device(clouds);
  const auto problems = problems_on_device(clouds);
  const int d = cost.dimension();
  const DeviceGradients found(clouds.size(), cost.n() * d, cost.m() * d);
  differentiate_by_positions(Space(), cost, problems, settings, solve(cost, problems, settings),
                             found.by_source, found.by_target);
  return found.host();
}

Row divergence(const HostBatch& batch, const UnbalancedSettings& settings) {
  return on_host(
      sinkhorn_divergence(Space(), batch.cost, batch.cost, batch.cost, on_device(batch), settings)
          .value);
}
Row divergence(const HostClouds& clouds, const UnbalancedSettings& settings) {
  const SelfCosts own(clouds);
  return on_host(sinkhorn_divergence(Space(), on_device(clouds), own.source, own.target,
                                     problems_on_device(clouds), settings)
                     .value);
}

Gradients divergence_weight_gradients(const HostClouds& clouds,
                                      const UnbalancedSettings& settings) {
  const SelfCosts own(clouds);
  const auto cost = on_device(clouds);
  const auto problems = problems_on_device(clouds);
  const DeviceGradients found(clouds.size(), cost.n(), cost.m());
  differentiate_divergence_by_weights(
      Space(), cost, own.source, own.target, problems, settings,
      sinkhorn_divergence(Space(), cost, own.source, own.target, problems, settings),
      found.by_source, found.by_target);
  return found.host();
}

Gradients divergence_position_gradients(const HostClouds& clouds,
                                        const UnbalancedSettings& settings) {
  const SelfCosts own(clouds);
  const auto cost = on_device(clouds);
  const auto problems = problems_on_device(clouds);
  const int d = cost.dimension();
  const DeviceGradients found(clouds.size(), cost.n() * d, cost.m() * d);
  differentiate_divergence_by_positions(
      Space(), cost, own.source, own.target, problems, settings,
      sinkhorn_divergence(Space(), cost, own.source, own.target, problems, settings),
      found.by_source, found.by_target);
  return found.host();
}

}  // namespace otfleet::kernels::test

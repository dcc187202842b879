#pragma once
#include "kernels/outputs/divergence.hpp"
#include "tests/kernels/cloud_batch.hpp"

// Unbalanced and partial transport in nested loops and long double, by the slowest and plainest
// methods, and the kernels as functions of host arrays.

namespace otfleet::kernels::test {

double mass_of(const Row& weights);
Row scaled(Row row, double factor);

/// Thresholds near rounding.
UnbalancedSettings tight(double epsilon, double tau_a, double tau_b);
UnbalancedSettings tight_share(double epsilon, double share);

/// random_cost() without negative costs, which a small epsilon and no marginals would turn into
/// endless mass.
SeparableCost positive_cost(Random& random, Geometry geometry);
/// Random measures of masses between 0.3 and 3.
HostBatch random_masses(Random& random, const SeparableCost& cost, int size, double zero_share);

struct ReferencePlan {
  Rows plan;         ///< [n][m]
  double value = 0;  ///< the objective of kernels/solvers/unbalanced/unbalanced.hpp at the plan
  double cost = 0;   ///< <C, P>
  double mass = 0;
  Row rows, columns;  ///< marginals
};

/// Alternating updates, each with its own tau, as long as they change anything.
ReferencePlan solve_unbalanced_reference(const DenseProblem& problem, double tau_a, double tau_b);
/// Dykstra's algorithm in the Kullback-Leibler divergence on the three constraints r <= a, c <= b,
/// sum P = share · smaller mass (Benamou et al. 2015, section 5).
ReferencePlan solve_partial_reference(const DenseProblem& problem, double share);

/// Problem k with masses as they are.
DenseProblem unscaled_problem(const HostBatch& batch, int k, double epsilon);

struct HostUnbalanced {
  Rows f, g;
  Row mass_potential, dual_value, primal_value, transport_cost, transported_mass, residual;
  std::vector<int> iterations;
  std::vector<Status> status;
};
/// The plan that the potentials of problem k stand for.
Rows plan_of(const DenseProblem& problem, const HostUnbalanced& found, int k);
/// Expects problem k to be converged to `expected`, up to `close` relative to its figures' size.
void expect_matches(const ReferencePlan& expected, const DenseProblem& problem,
                    const HostUnbalanced& found, int k, double close);
HostUnbalanced on_host(const UnbalancedSolution<Space>& solution);
HostUnbalanced solve_unbalanced(const HostBatch& batch, const UnbalancedSettings& settings);
HostUnbalanced solve_unbalanced(const HostClouds& clouds, const UnbalancedSettings& settings);
/// What certify_unbalanced() says of the potentials of `given`.
HostUnbalanced certify_unbalanced(const HostBatch& batch, const UnbalancedSettings& settings,
                                  const HostUnbalanced& given);

/// Derivatives [B][n] and [B][m] by weights, [B][n · d] and [B][m · d] by positions.
struct Gradients {
  Rows by_source, by_target;
};
Gradients weight_gradients(const HostBatch& batch, const UnbalancedSettings& settings);
Gradients weight_gradients(const HostClouds& clouds, const UnbalancedSettings& settings);
Gradients position_gradients(const HostClouds& clouds, const UnbalancedSettings& settings);

/// The divergence with cost `batch.cost` within either side, too.
Row divergence(const HostBatch& batch, const UnbalancedSettings& settings);
Row divergence(const HostClouds& clouds, const UnbalancedSettings& settings);
Gradients divergence_weight_gradients(const HostClouds& clouds, const UnbalancedSettings& settings);
Gradients divergence_position_gradients(const HostClouds& clouds,
                                        const UnbalancedSettings& settings);

}  // namespace otfleet::kernels::test

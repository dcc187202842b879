#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"
#include "kernels/solvers/unbalanced/settings.hpp"

namespace otfleet::kernels {

/// What is known of B problems besides their potentials. The plan is
/// exp((f_i + g_j + mass_potential − C_ij)/epsilon), as everywhere in kernels/; f − epsilon log a
/// and g − epsilon log b are the potentials relative to a b', which penalties act on.
template <class ExecutionSpace>
struct UnbalancedFigures {
  /// [B]: the multiplier of the transported mass (the value's derivative with respect to it); 0
  /// where no share is asked for.
  Vector<double, ExecutionSpace> mass_potential;
  /// [B], in units of cost × mass: the dual value; the objective above at P (without the terms of
  /// constraints, which P may miss by the residual); <C, P>. dual <= primal where both tau are
  /// below 1, up to residual × potential elsewhere.
  Vector<double, ExecutionSpace> dual_value, primal_value, transport_cost;
  Vector<double, ExecutionSpace> transported_mass;  ///< [B]: sum P
  /// [B], a share of the transported mass: |r − r*|_1 + |c − c*|_1 (+ |sum P − what was asked
  /// for|), over the largest of sum P, sum r* and sum c*, with
  /// r* = a exp(−(f − epsilon log a)/rho_a), the marginal that the derivative of the penalty asks
  /// for; a itself for tau = 1. For a share: r* = min(a, r exp(−(f − epsilon log a)/epsilon)), the
  /// marginal if f alone were optimal. Zero at the optimum and only there.
  Vector<double, ExecutionSpace> residual;
  Vector<int, ExecutionSpace> iterations, status;  ///< [B]; status: Status

  UnbalancedFigures() = default;
  explicit UnbalancedFigures(int batch);

  int size() const { return static_cast<int>(status.extent(0)); }
};

/// The same with the potentials of problems that share their points.
template <class ExecutionSpace>
struct UnbalancedSolution : UnbalancedFigures<ExecutionSpace> {
  Matrix<double, ExecutionSpace> f, g;  ///< [B, n], [B, m]; −inf where the weight is zero

  UnbalancedSolution() = default;
  UnbalancedSolution(int batch, int n, int m);
};

/// Potentials of problems with points of their own, one problem after the other.
template <class ExecutionSpace>
struct CloudPotentials {
  Vector<double, ExecutionSpace> f, g;  ///< −inf where the weight is zero
};

/// Solves B problems from zeros by block ascent on the dual, which is Sinkhorn's iteration with
/// other updates: each takes the optimal f for g, and with it the best constant, which alternation
/// alone would only creep towards: (f + t, g − t) where a tau is below 1 (Séjourné, Vialard & Peyré
/// 2022: the number of iterations no longer grows as tau nears 1), mass_potential where a share is
/// transported. Masses of source and target may differ; they are made equal, as for sinkhorn(),
/// only where tau_a = tau_b = 1 and no share is asked for.
///
/// An iteration is one update of each side; the residual is that of the side updated first, the
/// other being exact: the target, or the source where only that one has tau = 1. Every instance
/// stops on its own and leaves the batch; results do not depend on which instances are in it. All
/// in double; always safe at small epsilon. Fills all of `solution`, the figures by
/// certify_unbalanced(), and status by final_status() from these. Local, but for points that are
/// distributed over ranks. Cost: SeparableCost or PointCloudCost. Work: two applications of the
/// kernel an iteration, and a power a point; memory: a few tiles a team, and six numbers for every
/// point of a group of instances. Throws std::invalid_argument: sizes that do not fit, settings out
/// of range, a share together with a tau below 1, masses whose product, which the objective
/// contains, is no number.
template <class Cost, class ExecutionSpace>
void solve_unbalanced(const ExecutionSpace& space, const Cost& cost,
                      const ProblemBatch<ExecutionSpace>& problems,
                      const UnbalancedSettings& settings,
                      const UnbalancedSolution<ExecutionSpace>& solution);

/// The same for problems with points of their own, small ones side by side in lanes; with `watch`,
/// one after the other.
template <class ExecutionSpace>
void solve_unbalanced(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      const UnbalancedSettings& settings,
                      const CloudPotentials<ExecutionSpace>& potentials,
                      const UnbalancedFigures<ExecutionSpace>& figures,
                      const IterationWatch& watch = {});

/// The same for transport of measure index(k) to itself, with cost [n, n] symmetric, by symmetric
/// updates: f = g. Needs tau_a = tau_b and no share. Each iteration halves the error at least where
/// exp(−C/epsilon) is positive definite (squared Euclidean, Euclidean and powers up to 2), so a few
/// dozen suffice at any epsilon (Feydy et al. 2019). Work: one soft minimum an iteration. Throws
/// also when the cost is not symmetric.
template <class Cost, class ExecutionSpace>
void solve_self_transport(const ExecutionSpace& space, const Cost& cost,
                          const Measures<ExecutionSpace>& measures,
                          const Vector<const int, ExecutionSpace>& index,
                          const UnbalancedSettings& settings,
                          const UnbalancedSolution<ExecutionSpace>& solution);

/// For measures with points of their own: source and target of every problem are one measure.
template <class ExecutionSpace>
void solve_self_transport(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                          const UnbalancedSettings& settings,
                          const CloudPotentials<ExecutionSpace>& potentials,
                          const UnbalancedFigures<ExecutionSpace>& figures);

/// Certifies solution.f, g and mass_potential, whatever produced them, and fills the figures
/// dual_value … residual. Work: two soft minima and one mean of costs an instance. Throws as above.
template <class Cost, class ExecutionSpace>
void certify_unbalanced(const ExecutionSpace& space, const Cost& cost,
                        const ProblemBatch<ExecutionSpace>& problems,
                        const UnbalancedSettings& settings,
                        const UnbalancedSolution<ExecutionSpace>& solution);

/// The derivatives of the optimal value with respect to the weights, by the envelope theorem:
/// by_source [B, n] = f − epsilon log a (tau_a < 1: rho_a (1 − exp(−(f − epsilon log a)/rho_a)))
///   + epsilon (mass b − r/a), by_target [B, m] likewise; 0 where the weight is zero.
/// They are those of the dual at the solution's potentials, so their error is of the order of the
/// residual. Balanced problems: b is the target scaled to the source's mass, and derivatives are
/// defined up to a constant, for changes that keep the mass. A share: at fixed transported mass;
/// mass_potential is the derivative with respect to that. Throws as above.
template <class Cost, class ExecutionSpace>
void differentiate_by_weights(const ExecutionSpace& space, const Cost& cost,
                              const ProblemBatch<ExecutionSpace>& problems,
                              const UnbalancedSettings& settings,
                              const UnbalancedSolution<ExecutionSpace>& solution,
                              const Matrix<double, ExecutionSpace>& by_source,
                              const Matrix<double, ExecutionSpace>& by_target);

}  // namespace otfleet::kernels

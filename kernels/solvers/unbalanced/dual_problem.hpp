#pragma once
#include "kernels/solvers/unbalanced/block_ascent.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"

namespace otfleet::kernels {

/// Both sides of the dual of B unbalanced problems, on the potentials of a solution.
template <class ExecutionSpace>
struct DualProblem {
  DualSide<ExecutionSpace> source, target;
  Vector<double, ExecutionSpace> share_mass;  ///< [B], what to transport; empty: no share
};

/// Throws std::invalid_argument when a setting is out of its range.
void check_unbalanced(const UnbalancedSettings& settings);

/// Throws std::invalid_argument unless the solution has room for the problems.
template <class ExecutionSpace>
void check_solution(const UnbalancedSolution<ExecutionSpace>& solution, int batch, int n, int m);

/// Throws std::invalid_argument when a product of masses, which the objective contains, is no
/// number.
template <class ExecutionSpace>
void check_masses(const ProblemBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings);

/// Neither penalties nor a share: masses are made equal.
inline bool is_balanced(const UnbalancedSettings& settings) {
  return settings.tau_a == 1 && settings.tau_b == 1 && !settings.transported_share;
}

template <class ExecutionSpace>
DualProblem<ExecutionSpace> make_dual_problem(const ExecutionSpace& space,
                                              const ProblemBatch<ExecutionSpace>& problems,
                                              const UnbalancedSettings& settings,
                                              const UnbalancedSolution<ExecutionSpace>& solution);

}  // namespace otfleet::kernels

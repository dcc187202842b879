#pragma once
#include "kernels/problems/problem_batch.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"

namespace otfleet::kernels {

/// Throws std::invalid_argument when a setting is out of its range.
void check_unbalanced(const UnbalancedSettings& settings);

/// Neither penalties nor a share: masses are made equal.
inline bool is_balanced(const UnbalancedSettings& settings) {
  return settings.tau_a == 1 && settings.tau_b == 1 && !settings.transported_share;
}

/// Throws std::invalid_argument when the product of two masses, which the objective contains, is no
/// number.
void check_mass_product(double source, double target, const UnbalancedSettings& settings);

/// Throws std::invalid_argument unless there is one entry for each problem.
template <class ExecutionSpace>
void check_figures(const UnbalancedFigures<ExecutionSpace>& figures, int batch);

/// The same for the potentials too.
template <class ExecutionSpace>
void check_solution(const UnbalancedSolution<ExecutionSpace>& solution, int batch, int n, int m);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"

namespace otfleet::kernels {

/// What solve_unbalanced() does before it certifies: fills f, g, iterations and status with what
/// each problem stopped for, and mass_potential. All problems side by side in the kernel of
/// Sinkhorn's iteration, the form of block ascent that pays where costs are separable. Where an
/// observer ends the batch, problems that have not begun are at zero relative to their weights, or
/// as they were given. Arguments are not checked.
template <class ExecutionSpace>
void ascend_in_lanes(const ExecutionSpace& space, const SeparableCost& cost,
                     const ProblemBatch<ExecutionSpace>& problems,
                     const UnbalancedSettings& settings, const StopRule& rule,
                     const UnbalancedSolution<ExecutionSpace>& solution);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// upper [B] = the cost of a feasible plan that leaves out the forbidden entries of a dense cost,
/// in units of the cost times mass: certify()'s upper bound where the cost forbids() anything. The
/// plan of f is scaled down to the weights (Altschuler, Weed & Rigollet 2017, algorithm 2); what is
/// then missing goes along augmenting paths (Ford & Fulkerson 1956): over allowed entries forward,
/// back over those that have mass. +inf where no plan is allowed. On the host, one instance after
/// the other. Work: O(n m) a path, about n + m paths.
template <class ExecutionSpace>
void bound_by_allowed_plans(const SeparableCost& cost, const ProblemBatch<ExecutionSpace>& problems,
                            double epsilon, const Matrix<const double, ExecutionSpace>& f,
                            const Vector<double, ExecutionSpace>& upper);

}  // namespace otfleet::kernels

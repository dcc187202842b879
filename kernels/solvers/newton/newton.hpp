#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/problem_batch.hpp"
#include "kernels/solvers/newton/settings.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

namespace otfleet::kernels {

/// Solves the problems of sinkhorn() by Newton's method on the semi-dual, the concave function
///   D(f) = <f, a> − epsilon sum_j b_j log sum_i exp((f_i − C_ij)/epsilon)
/// with gradient a − P1 and −Hessian (diag(P1) − P diag(1/b) P^T)/epsilon, over the side with the
/// smaller support. It needs few passes where Sinkhorn's iteration needs thousands (small epsilon,
/// small thresholds), and a pass touches only the entries of the plan that matter.
///
/// The state is that of sinkhorn(): (f, g(f)) with the marginal b exact; an instance ends when the
/// error |P1 − a|_1 (a share of the mass, like all here) is below the threshold at the epsilon
/// asked for. Epsilon is annealed by factors of 4, each stage to an error of 0.1, with the tangent
/// df/depsilon between two stages; a start whose error is below 0.3 skips the larger epsilons, any
/// other gives way to zeros, from where annealing takes hardly more passes than mending it. Steps
/// are damped (Levenberg–Marquardt, the ratio of real to predicted gain decides); where that fails,
/// a Sinkhorn update, which never does, takes over.
///
/// f [B, n], in units of the cost: the start on entry (−inf allowed; ignored where `from_zeros`),
/// the solution on exit, with −inf where the weight is zero; defined up to a constant.
/// iterations [B]: evaluations of the softmin with its gradient, in all stages, rejected steps and
/// the search for the first epsilon included; testing the start is not counted, so that a start
/// that is good enough takes 0. Where the targets have the smaller support, the last pass, which
/// tests f on its own side, counts too.
/// status [B]: converged, iteration_limit, precision_limit (nothing but rounding is left of the
/// error, and no pass makes it smaller) or not_finite (a start with NaN or +inf).
/// Results do not depend on the other instances of the batch; on a device sums are atomic, so that
/// results agree to rounding only.
/// Local. With n' × m' the supports, n' <= m': a pass reads n' m' costs (after small steps only
/// those that matter) and factors an n' × n' matrix; once a cost, points are put in order and a
/// dense cost is copied, about as much work as two or three instances. Memory a team: 3 n'² and,
/// unless the cost is one dense matrix whose columns mostly have weight, n' m' numbers.
/// Throws std::invalid_argument: sizes that do not fit, settings out of range, supports that do not
/// fit into `memory_limit`.
/// Source: ours; semi-dual Newton with annealing as in Kitagawa, Mérigot & Thibert 2019 and Tang et
/// al. 2024, the tangent step as in path following.
template <class ExecutionSpace>
void newton(const ExecutionSpace& space, const SeparableCost& cost,
            const ProblemBatch<ExecutionSpace>& problems, const NewtonSettings& settings,
            bool from_zeros, const Matrix<double, ExecutionSpace>& f,
            const Vector<int, ExecutionSpace>& iterations,
            const Vector<int, ExecutionSpace>& status);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// What certify() finds out about each of B instances; all [B], in units of the cost times mass,
/// but for marginal_error and left_out, shares of the mass.
template <class ExecutionSpace>
struct Certificates {
  Vector<double, ExecutionSpace> dual_value, transport_cost, upper_bound, lower_bound,
      marginal_error, left_out;

  Certificates() = default;
  explicit Certificates(int batch);
};

/// Certifies dual potentials f, in double and from nothing but f, so that it holds whatever
/// produced f: a solver in float, a model, a file.
///
/// f [B, n] in units of the cost; −inf at points without weight. Writes g [B, m] (or leaves it out
/// where g is empty): g_j = epsilon log b_j − epsilon log sum_i exp((f_i − C_ij)/epsilon), and with
/// P_ij = exp((f_i + g_j − C_ij)/epsilon):
///   marginal_error  |P1 − a|_1 over the mass (the other marginal is exact by the choice of g)
///   dual_value      <f, a> + <g, b> − epsilon sum P + epsilon mass   (OTT's constant: equal to the
///                   regularized primal value at the optimum)
///   transport_cost  <C, P>
///   upper_bound     <C, Q> >= the unregularized optimum, Q the rounding of P to a feasible plan
///                   (Altschuler, Weed & Rigollet 2017, algorithm 2)
///   lower_bound     <f'', a> + <f', b> <= the unregularized optimum, f' the c-transform of f over
///                   the support of a and f'' that of f' over the support of b, or the smallest
///                   cost times the mass, whichever is larger
/// Local. Work: about ten applications of the kernel an instance.
/// Throws std::invalid_argument when sizes do not fit.
template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const SeparableCost& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& certificates);

/// As the overload for SeparableCost, with zero for the smallest cost. Work: ten passes over the
/// pairs an instance, in double.
template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& certificates);
/// f [source_offsets().back()]; g [target_offsets().back()] or empty.
///
/// most_left_out > 0: block-sparse, for costs and dimensions that multiscale_complaint() does not
/// refuse. Pairs of cells that hold at most that share of the mass together are not looked at
/// (operators/in_passes/cell_pairs.hpp), and every figure is on the safe side of what it is
/// without. K are the other pairs; L bounds, in exact arithmetic, what share of the mass
/// exp((f_i + g_j − C_ij)/epsilon) has outside K; g is the half-step over K alone, which is not
/// below that over all pairs:
///   left_out        L
///   marginal_error  |P1 − a|_1 over K, plus 2 L: over all pairs the rows for (f, g) are larger by
///                   at most L together, and so are the columns; scaling these down to b makes the
///                   plan of f, and takes off the rows what it takes off the columns
///   dual_value      <f, a> + <g, b> − epsilon (mass on K + L) + epsilon: not above that of (f, g),
///                   hence not above the optimum of the regularized problem
///   transport_cost  over K
///   upper_bound     of the rounding of the plan on K, which is a plan like another; what the
///                   product that completes it costs outside K is bounded by the boxes of cells
///   lower_bound     minima over pairs outside K are replaced by lower bounds from boxes, so that
///                   no constraint of the dual is broken
/// Memory: O((n + m) d) and lists of blocks. Where measures are distributed, every rank takes the
/// points of all.
template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
             double epsilon, const Vector<const double, ExecutionSpace>& f,
             const Vector<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& certificates, double most_left_out = 0);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/solvers/newton/cholesky.hpp"
#include "kernels/solvers/newton/newton_batch.hpp"
#include "kernels/team_loops.hpp"

// One pass over an instance's cost, and the steps that its derivatives lead to.

namespace otfleet::kernels::newton_detail {

/// Fills `out` at x and the stage's epsilon; returns |P1 − a|_1.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION double evaluate(const NewtonBatch<ExecutionSpace>& batch,
                                       const Team<ExecutionSpace>& team, const Workspace& w,
                                       Instance& p, const double* x, int stage, Derivatives& out) {
  const int rows = p.rows;
  const double epsilon = batch.epsilon_at(stage);
  const bool last_stage = stage == 0;
  const bool coarse = stage >= coarse_from && p.coarse.blocks < p.fine.blocks;
  const double truncation = last_stage || batch.is_deep(epsilon)
                                ? batch.settings.truncation
                                : max(batch.settings.truncation, stage_truncation);
  const double cut = epsilon * log(rows / truncation);
  const double* reference = w.reference;
  bool refill = p.list_cut < 0 || p.list_coarse != coarse;
  if (!refill) {
    const double high = team_max(team, rows, [&](int i) { return x[i] - reference[i]; });
    const double low = -team_max(team, rows, [&](int i) { return reference[i] - x[i]; });
    refill = !(cut + (high - low) <= p.list_cut);
  }
  if (refill) {
    p.list_cut = cut + list_margin * epsilon;
    p.list_coarse = coarse;
    double* const keep = w.reference;
    team_for(team, rows, [&](int i) { keep[i] = x[i]; });
  }
  const int stride = batch.sizes.stride;
  const Derivatives d = out;
  team_for(team, rows, [&](int i) {
    d.marginal[i] = d.square[i] = d.moment[i] = 0;
    for (int l = 0; l < i; ++l) d.overlap[static_cast<long>(i) * stride + l] = 0;
  });
  const Level& level = coarse ? p.coarse : p.fine;
  const SoftminPass<ExecutionSpace> pass{
      level,       rows,    stride,     x,       epsilon, cut,  overlap_share / rows,
      !last_stage, refill,  p.list_cut, w.count, w.list,  rows, w.exponential,
      w.exponent,  w.active};
  out.smooth = -team_sum(team, level.blocks, [&](int c) { return pass.block(c, d); });
  const double* a = w.a;
  return team_sum(team, rows, [&](int i) { return abs(d.marginal[i] - a[i]); });
}

/// Factors  epsilon · (−Hessian) + lambda diag(max(P1, a)) + a a^T: the last term takes the
/// constant direction away. Weights that are nothing beside the mass get a floor instead.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void factor(const NewtonBatch<ExecutionSpace>& batch,
                                   const Team<ExecutionSpace>& team, const Workspace& w,
                                   const Instance& p, const Derivatives& d, double lambda) {
  const int rows = p.rows, stride = batch.sizes.stride;
  const double floor = 1e-13 / rows;
  const double* a = w.a;
  double* matrix = w.matrix;
  team_for(team, rows, [&](int i) {
    double* row = matrix + static_cast<long>(i) * stride;
    const double* overlap = d.overlap + static_cast<long>(i) * stride;
    for (int l = 0; l < i; ++l) row[l] = a[i] * a[l] - overlap[l];
    const double own = d.marginal[i] - d.square[i];
    row[i] = a[i] * a[i] + max(own, 0.0) + lambda * max(d.marginal[i], a[i]) + floor;
  });
  Cholesky<ExecutionSpace>::factor(team, matrix, rows, stride);
}

/// w.step = the damped Newton step, no longer than the radius; returns the gain of the
/// quadratic model.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION double newton_step(const NewtonBatch<ExecutionSpace>& batch,
                                          const Team<ExecutionSpace>& team, const Workspace& w,
                                          Instance& p, const Derivatives& d, double epsilon,
                                          double lambda) {
  const int rows = p.rows;
  const double* a = w.a;
  double *rhs = w.rhs, *step = w.step;
  factor(batch, team, w, p, d, lambda);
  team_for(team, rows, [&](int i) {
    rhs[i] = a[i] - d.marginal[i];
    step[i] = rhs[i];
  });
  Cholesky<ExecutionSpace>::solve(team, w.matrix, rows, batch.sizes.stride, step);
  const double oscillation = team_max(team, rows, [&](int i) { return step[i]; }) +
                             team_max(team, rows, [&](int i) { return -step[i]; });
  p.clipped = oscillation > p.radius;
  const double shrink = p.clipped ? p.radius / oscillation : 1.0;
  const double slope = team_sum(team, rows, [&](int i) { return rhs[i] * step[i]; });
  const double damping = team_sum(
      team, rows, [&](int i) { return lambda * max(d.marginal[i], a[i]) * step[i] * step[i]; });
  const double constant = team_sum(team, rows, [&](int i) { return a[i] * step[i]; });
  const double curvature = slope - damping - constant * constant;
  team_for(team, rows, [&](int i) { step[i] *= shrink * epsilon; });
  return epsilon * shrink * (slope - 0.5 * shrink * curvature);
}

/// Moves x along df/depsilon from `epsilon` to `to`. Source: ours, implicit differentiation of
/// P1 = a; the derivative of P1 is −moment/epsilon.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void follow_tangent(const NewtonBatch<ExecutionSpace>& batch,
                                           const Team<ExecutionSpace>& team, const Workspace& w,
                                           const Instance& p, const Derivatives& d, double epsilon,
                                           double to) {
  const int rows = p.rows;
  double *step = w.step, *x = w.x;
  factor(batch, team, w, p, d, 1e-9);
  team_for(team, rows, [&](int i) { step[i] = d.moment[i]; });
  Cholesky<ExecutionSpace>::solve(team, w.matrix, rows, batch.sizes.stride, step);
  const double oscillation = team_max(team, rows, [&](int i) { return step[i]; }) +
                             team_max(team, rows, [&](int i) { return -step[i]; });
  const double shrink = oscillation > longest_tangent ? longest_tangent / oscillation : 1.0;
  team_for(team, rows, [&](int i) { x[i] += shrink * (to - epsilon) * step[i]; });
}

}  // namespace otfleet::kernels::newton_detail

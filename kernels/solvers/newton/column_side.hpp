#pragma once
#include "kernels/solvers/newton/newton_batch.hpp"
#include "kernels/team_loops.hpp"

// The other side: instances whose rows are the targets have their potentials and errors on columns.

namespace otfleet::kernels::newton_detail {

/// x_i = epsilon log a_i − epsilon log sum_j exp((y_j − C_ij)/epsilon) from potentials y of the
/// columns, then y's own marginal error: |sum_i exp((x_i + y_j − C_ij)/epsilon) − b|_1.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION double column_error(const NewtonBatch<ExecutionSpace>& batch,
                                           const Team<ExecutionSpace>& team, const Workspace& w,
                                           const Instance& p, const double* y, double* x) {
  using Block = Columns<ExecutionSpace>;
  using L = Lanes<ExecutionSpace, double>;
  using Pack = typename L::Pack;
  const Level level = p.fine;
  const int rows = p.rows;
  const double epsilon = batch.settings.epsilon;
  const double *a = w.a, *b = w.b;
  const auto cost_at = [&](int c, int i, int g) {
    return L::load(level.table +
                   (static_cast<long>(c) * level.tile_rows + level.row_at[i]) * Block::width +
                   g * L::pack_width);
  };
  team_for(team, rows, [&](int i) {
    Pack most(-infinite);
    for (int c = 0; c < level.blocks; ++c)
      for (int g = 0; g < Block::packs; ++g)
        most = max(most, L::load(y + c * Block::width + g * L::pack_width) - cost_at(c, i, g));
    const double top = largest_lane(most);
    Pack sum(0.0);
    for (int c = 0; c < level.blocks; ++c)
      for (int g = 0; g < Block::packs; ++g)
        sum =
            sum +
            exp((L::load(y + c * Block::width + g * L::pack_width) - cost_at(c, i, g) - Pack(top)) *
                Pack(1 / epsilon));
    x[i] = epsilon * (log(a[i]) - log(sum_lanes(sum))) - top;
  });
  return team_sum(team, level.blocks, [&](int c) {
    Pack error(0.0);
    for (int g = 0; g < Block::packs; ++g) {
      const int at = c * Block::width + g * L::pack_width;
      Pack sum(0.0);
      for (int i = 0; i < rows; ++i)
        sum = sum + exp((L::load(y + at) + Pack(x[i]) - cost_at(c, i, g)) * Pack(1 / epsilon));
      error = error + abs(sum - L::load(b + at));
    }
    return sum_lanes(error);
  });
}

/// y_j = epsilon log b_j − epsilon log sum_i exp((x_i − C_ij)/epsilon); far below where b_j = 0.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void column_potentials(const NewtonBatch<ExecutionSpace>& batch,
                                              const Team<ExecutionSpace>& team, const Workspace& w,
                                              const Instance& p) {
  using Block = Columns<ExecutionSpace>;
  const Level level = p.fine;
  const int rows = p.rows;
  const double epsilon = batch.settings.epsilon;
  const double *b = w.b, *x = w.x;
  double* y = w.y;
  team_for(team, level.blocks * Block::width, [&](int j) {
    if (!(b[j] > 0)) return;
    const double* column = level.table +
                           static_cast<long>(j / Block::width) * level.tile_rows * Block::width +
                           j % Block::width;
    double most = -infinite, sum = 0;
    for (int i = 0; i < rows; ++i)
      most = max(most, x[i] - column[static_cast<long>(level.row_at[i]) * Block::width]);
    for (int i = 0; i < rows; ++i)
      sum +=
          exp((x[i] - column[static_cast<long>(level.row_at[i]) * Block::width] - most) / epsilon);
    y[j] = epsilon * (log(b[j]) - log(sum)) - most;
  });
}

}  // namespace otfleet::kernels::newton_detail

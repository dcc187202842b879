#pragma once
#include "kernels/solvers/newton/newton_batch.hpp"
#include "kernels/team_loops.hpp"

// From the batch to the points with weight of one instance, and back.

namespace otfleet::kernels::newton_detail {

/// Indices of the points with weight, in the order `order` (or their own); returns their number.
template <class TeamMember, class Weight>
KOKKOS_INLINE_FUNCTION int compress(const TeamMember& team, int points, const int* order,
                                    const Weight& weight, int* kept) {
  int total = 0;
  Kokkos::single(
      Kokkos::PerTeam(team),
      [&](int& count) {
        count = 0;
        for (int at = 0; at < points; ++at) {
          const int point = order == nullptr ? at : order[at];
          if (weight(point) > 0) kept[count++] = point;
        }
      },
      total);
  team.team_barrier();
  return total;
}

/// Groups of neighboring columns as one column with the mean cost.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void load_coarse(const NewtonBatch<ExecutionSpace>& batch,
                                        const Team<ExecutionSpace>& team, const Workspace& w,
                                        Instance& p) {
  using Block = Columns<ExecutionSpace>;
  const int columns = p.columns, rows = p.rows, groups = coarse_columns(columns);
  p.coarse.blocks = Block::blocks(groups);
  p.coarse.weights = w.coarse_b;
  team_for(team, p.coarse.blocks * Block::width, [&](int c) {
    double sum = 0;
    for (int j = c * coarsening; j < (c + 1) * coarsening && j < columns; ++j) sum += w.b[j];
    w.coarse_b[c] = sum;
  });
  if (p.shared) {
    p.coarse.table = batch.shared_coarse.data();
    return;
  }
  const double* fine = p.fine.table;
  double* table = w.table + static_cast<long>(p.fine.blocks) * rows * Block::width;
  p.coarse.table = table;
  team_for(team, p.coarse.blocks * Block::width, [&](int c) {
    const int group = c < groups ? c : groups - 1;
    for (int i = 0; i < rows; ++i) {
      MeanCost mean;
      for (int j = group * coarsening; j < (group + 1) * coarsening && j < columns; ++j)
        mean.add(fine[(static_cast<long>(j / Block::width) * rows + i) * Block::width +
                      j % Block::width]);
      table[(static_cast<long>(c / Block::width) * rows + i) * Block::width + c % Block::width] =
          mean.value();
    }
  });
}

template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION Instance load_instance(const NewtonBatch<ExecutionSpace>& batch,
                                              const Team<ExecutionSpace>& team, const Workspace& w,
                                              int k) {
  using Block = Columns<ExecutionSpace>;
  const int source = batch.problems.source_index(k), target = batch.problems.target_index(k);
  const double* a = &batch.problems.source.weights(source, 0);
  const double* b = &batch.problems.target.weights(target, 0);
  const int n = batch.problems.source.points(), m = batch.problems.target.points();
  const int sources = team_count(team, n, [&](int i) { return a[i] > 0; });
  const int targets = team_count(team, m, [&](int j) { return b[j] > 0; });
  Instance p{};
  p.k = k;
  p.transposed = sources > targets;
  p.shared = uses_shared_table(sources, targets, m, batch.cost.axes);
  p.list_cut = -1;
  p.stage = -1;
  p.from_start = !batch.from_zeros;
  p.state[0] = w.state[0];
  p.state[1] = w.state[1];

  const double* row_weight = p.transposed ? b : a;
  const double* column_weight = p.transposed ? a : b;
  const int* order = p.transposed ? batch.source_order.data() : batch.target_order.data();
  p.rows = compress(
      team, p.transposed ? m : n, nullptr, [&](int i) { return row_weight[i]; }, w.row_point);
  p.columns = p.shared ? m
                       : compress(
                             team, p.transposed ? n : m, order,
                             [&](int j) { return column_weight[j]; }, w.column_point);
  if (p.shared) team_for(team, m, [&](int j) { w.column_point[j] = order[j]; });

  const int rows = p.rows, columns = p.columns, blocks = Block::blocks(columns);
  const bool shared = p.shared, transposed = p.transposed;
  team_for(team, rows, [&](int i) {
    w.a[i] = row_weight[w.row_point[i]];
    w.row_at[i] = shared ? w.row_point[i] : i;
  });
  team_for(team, blocks * Block::width,
           [&](int j) { w.b[j] = j < columns ? column_weight[w.column_point[j]] : 0.0; });
  if (shared) {
    p.fine = {batch.shared_table.data(), n, w.row_at, w.b, blocks};
  } else {
    const CostAxes entry = batch.cost;
    team_for(team, blocks * Block::width, [&](int j) {
      // A column that fills a block repeats the last one, so that it needs no other rows.
      const int column = w.column_point[j < columns ? j : columns - 1];
      double* at =
          w.table + static_cast<long>(j / Block::width) * rows * Block::width + j % Block::width;
      for (int i = 0; i < rows; ++i)
        at[static_cast<long>(i) * Block::width] =
            transposed ? entry(column, w.row_point[i]) : entry(w.row_point[i], column);
    });
    p.fine = {w.table, rows, w.row_at, w.b, blocks};
  }
  p.coarse = p.fine;
  if (worth_coarsening(rows, columns)) load_coarse(batch, team, w, p);
  return p;
}

/// The start on its own side, in `to` [points of w.*_point]; false where it is not finite.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION bool load_start(const NewtonBatch<ExecutionSpace>& batch,
                                       const Team<ExecutionSpace>& team, const Instance& p,
                                       const int* point, int count, const double* weights,
                                       double* to) {
  if (batch.from_zeros) {
    team_for(team, count, [&](int i) { to[i] = 0; });
    return true;
  }
  const auto& start = batch.f;
  const int k = p.k;
  const auto matters = [&](int i) { return weights[i] > 0; };
  const double wrong = team_sum(team, count, [&](int i) {
    const double value = start(k, point[i]);
    return matters(i) && !(value <= infinite) ? 1.0 : 0.0;
  });
  if (wrong > 0) return false;
  const double low = -team_max(team, count, [&](int i) {
    const double value = start(k, point[i]);
    return matters(i) && value >= -infinite ? -value : -infinite;
  });
  const double high = team_max(team, count, [&](int i) {
    const double value = start(k, point[i]);
    return matters(i) && value >= -infinite ? value : -infinite;
  });
  // The constant is free, and small numbers have more digits. Potentials that differ by more
  // than `far` say nothing: they are worse than zeros at every epsilon.
  const double far = 1e6 * (batch.range + batch.settings.epsilon);
  const bool useless = !(high - low < far) || high < low;
  team_for(team, count, [&](int i) {
    const double value = start(k, point[i]);
    to[i] = useless || !matters(i) ? 0.0 : (value >= low ? value - high : low - high);
  });
  return true;
}

template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void store_result(const NewtonBatch<ExecutionSpace>& batch,
                                         const Team<ExecutionSpace>& team, const Instance& p,
                                         const int* point, int count, const double* weights,
                                         const double* from) {
  const auto& result = batch.f;
  const int k = p.k;
  team_for(team, static_cast<int>(batch.f.extent(1)),
           [&](int i) { result(k, i) = -Kokkos::Experimental::infinity<double>::value; });
  team_for(team, count, [&](int i) {
    if (weights[i] > 0) result(k, point[i]) = from[i];
  });
}

/// −inf where the weight is zero, whatever else f holds.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void mask(const NewtonBatch<ExecutionSpace>& batch,
                                 const Team<ExecutionSpace>& team, const Instance& p) {
  const auto& result = batch.f;
  const double* weights = &batch.problems.source.weights(batch.problems.source_index(p.k), 0);
  const int k = p.k;
  team_for(team, static_cast<int>(batch.f.extent(1)), [&](int i) {
    if (!(weights[i] > 0)) result(k, i) = -Kokkos::Experimental::infinity<double>::value;
  });
}

template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void finish(const NewtonBatch<ExecutionSpace>& batch,
                                   const Team<ExecutionSpace>& team, const Instance& p,
                                   Status verdict) {
  Kokkos::single(Kokkos::PerTeam(team), [&]() {
    batch.iterations(p.k) = p.passes;
    batch.status(p.k) = static_cast<int>(verdict);
  });
}

template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void end_before_it_began(const NewtonBatch<ExecutionSpace>& batch,
                                                const Team<ExecutionSpace>& team, int k) {
  Kokkos::single(Kokkos::PerTeam(team), [&]() {
    batch.iterations(k) = 0;
    batch.status(k) = static_cast<int>(Status::ended);
  });
}

}  // namespace otfleet::kernels::newton_detail

#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/lanes/region.hpp"

namespace otfleet::kernels {

/// A grid of `fine` points, between whose every few points a network's output is given, and how it
/// is interpolated: point i of an axis lies a share of the way from one `coarse` point to another.
/// Three axes, the last one fastest; missing ones lead, with one point. Without `share` the output
/// is given at every point, on a grid or not.
template <class ExecutionSpace>
struct OutputGrid {
  int coarse[3] = {1, 1, 1}, fine[3] = {1, 1, 1};
  /// [fine[0] + fine[1] + fine[2]], axis after axis.
  Vector<const int, ExecutionSpace> below, above;
  Vector<const float, ExecutionSpace> share;

  KOKKOS_FUNCTION bool is_identity() const { return share.extent(0) == 0; }
  /// Numbers that interpolate_output() needs room for.
  KOKKOS_FUNCTION long room() const {
    return is_identity() ? 0 : static_cast<long>(coarse[0]) * coarse[1] * fine[2];
  }
  /// Of `points` points.
  KOKKOS_FUNCTION int outputs(int points) const {
    return is_identity() ? points : coarse[0] * coarse[1] * coarse[2];
  }
};

namespace detail {

/// The points of one axis between their neighbors; a function of its own, so that GCC knows that
/// the arrays do not overlap.
template <class Number, class Member>
KOKKOS_INLINE_FUNCTION void interpolate_row(const Member& team, const float* KOKKOS_RESTRICT from,
                                            const int* KOKKOS_RESTRICT below,
                                            const int* KOKKOS_RESTRICT above,
                                            const float* KOKKOS_RESTRICT share, int length,
                                            Number* KOKKOS_RESTRICT to) {
  Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, length), [&](int i) {
    const float low = from[below[i]];
    to[i] = static_cast<Number>(low + share[i] * (from[above[i]] - low));
  });
}

}  // namespace detail

/// phi [fine points] from output [coarse points] of one problem, linear along every axis; at least
/// at the points of `region`. `along_last` [room()] is scratch. For the threads of one team.
template <class Number, class Member, class ExecutionSpace>
KOKKOS_INLINE_FUNCTION void interpolate_output(const Member& team,
                                               const OutputGrid<ExecutionSpace>& grid,
                                               const float* output, const Region& region,
                                               Number* along_last, Number* phi) {
  if (grid.is_identity()) {
    const int length = region.run_length();
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, region.runs()), [&](int run) {
      const int begin = region.run_begin(run);
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, length), [&](int at) {
        phi[begin + at] = static_cast<Number>(output[begin + at]);
      });
    });
    team.team_barrier();
    return;
  }
  Region part = region;
  for (int axis = 0; axis < 3; ++axis)  // a cost may be a table for the points of a grid
    if (region.length[axis] != grid.fine[axis])
      part = {{0, 0, 0},
              {grid.fine[0], grid.fine[1], grid.fine[2]},
              {grid.fine[0], grid.fine[1], grid.fine[2]}};
  const int second = grid.fine[0], third = second + grid.fine[1];  // where an axis begins
  const int length = part.run_length(), from = part.begin[2];
  Kokkos::parallel_for(
      Kokkos::TeamThreadRange(team, grid.coarse[0] * grid.coarse[1]), [&](int row) {
        detail::interpolate_row(team, output + row * grid.coarse[2], &grid.below(third + from),
                                &grid.above(third + from), &grid.share(third + from), length,
                                along_last + row * length);
      });
  team.team_barrier();
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, part.runs()), [&](int run) {
    const int i = part.begin[0] + run / part.extent(1);
    const int j = second + part.begin[1] + run % part.extent(1);
    const auto right = static_cast<Number>(grid.share(j));
    const auto lower = static_cast<Number>(grid.share(i));
    const auto row = [&](int first, int next) {
      return along_last + (first * grid.coarse[1] + next) * length;
    };
    const Number* const rows[4] = {
        row(grid.below(i), grid.below(j)), row(grid.below(i), grid.above(j)),
        row(grid.above(i), grid.below(j)), row(grid.above(i), grid.above(j))};
    Number* const to = phi + part.run_begin(run);
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, length), [&](int at) {
      const Number top = rows[0][at] + right * (rows[1][at] - rows[0][at]);
      const Number bottom = rows[2][at] + right * (rows[3][at] - rows[2][at]);
      to[at] = top + lower * (bottom - top);
    });
  });
  team.team_barrier();
}

}  // namespace otfleet::kernels

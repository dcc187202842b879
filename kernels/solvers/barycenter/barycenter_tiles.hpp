#pragma once
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/solvers/barycenter/barycenter.hpp"
#include "kernels/solvers/instance_control.hpp"

namespace otfleet::kernels {

/// exp(logarithm) as a number of the domain.
template <class Domain, class Pack>
KOKKOS_INLINE_FUNCTION typename Domain::Value value_of_logarithm(const Pack& logarithm) {
  Pack stored[Domain::planes];
  Domain::from_exponent(logarithm, Pack(0.0), stored);
  if constexpr (Domain::planes == 1)
    return stored[0];
  else
    return {stored[0], stored[1]};
}

/// Barycenter problems as teams have them: what all share, and where a team keeps the problem at
/// hand. Measures are lanes of as many tiles as the problem needs, and the last one is repeated,
/// with weight 0, in lanes beyond them.
template <class Domain_, class ExecutionSpace_>
struct BarycenterTiles {
  using Domain = Domain_;
  using ExecutionSpace = ExecutionSpace_;
  using L = typename Domain::L;
  using Pack = typename L::Pack;
  using Value = typename Domain::Value;
  using Memory = typename Domain::Memory;
  using TeamMember = Team<ExecutionSpace>;

  /// Arrays of every tile of the problem, and of the tile at hand: b, u and y of the measures; the
  /// logarithm of y, that of the last plain update of u, and how it changed.
  enum Kept { measure, left, applied, log_applied, updated, change, kept_arrays };
  enum Work { right, log_mean, scratch, work_arrays = scratch + Domain::scratch_arrays };
  /// Numbers of every point of the support; `stored` is the barycenter as a number of the domain,
  /// plane after plane.
  enum Row {
    barycenter,
    log_barycenter,
    log_blur,
    next_log_blur,
    last_log_blur,
    stored,
    row_arrays = stored + Domain::planes
  };
  /// Numbers of every lane: its weight in the mean, and the mean change of its update.
  enum Lane { weight, center, lane_arrays };
  /// What is summed over the points of a lane.
  enum Sum { error, slope, mean_change, sums };

  AxisChain<double> to_target, to_source;
  Measures<ExecutionSpace> measures;
  Vector<const std::int64_t, ExecutionSpace> offsets;
  Vector<const int, ExecutionSpace> index;
  Vector<const double, ExecutionSpace> weights;
  BarycenterSolution<ExecutionSpace> solution;
  BarycenterSettings settings;
  StopRule rule;
  double cost_minimum;
  long rows;                                                       ///< of a tile
  int most_tiles;                                                  ///< of a problem
  Vector<double, ExecutionSpace> memory, row_memory, lane_memory;  ///< of all teams
  Vector<int, ExecutionSpace> next;  ///< [1], the first problem that no team has taken

  struct State {
    InstanceControl control;
    int problem, tiles;
    bool stops;
    Status why;
    Momentum<double> momentum;
    double total[sums];  ///< over the measures, weighted
    double blur_change;  ///< see Row::blur
    double mass, residual, last_residual;
    double largest_mass;  ///< of the problem's measures, as which all are scaled
    Region support;       ///< of all measures; nothing is computed outside it
    double lane_sums[sums * L::width];
  };

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(State) + sizeof(double) * L::width * sums * team_size + 256;
  }
  /// Numbers of an array of one tile, and of all that a team has.
  KOKKOS_FUNCTION long tile_size() const { return rows * L::width * Domain::planes; }
  KOKKOS_FUNCTION long team_memory() const {
    return tile_size() * (kept_arrays * static_cast<long>(most_tiles) + work_arrays);
  }

  KOKKOS_FUNCTION int n() const { return to_target.in_points(); }
  KOKKOS_FUNCTION int m() const { return to_target.out_points(); }
  KOKKOS_FUNCTION bool is_exact() const { return !(settings.tau < 1); }
  KOKKOS_FUNCTION bool has_momentum() const { return settings.momentum && is_exact(); }

  KOKKOS_FUNCTION bool keeps_blur() const {
    return settings.debiased && solution.log_blur.size() > 0;
  }

  /// The parts of a team's memory.
  struct Places {
    double *kept, *rows_of, *lanes_of;
    Memory work;
    long tile;  ///< numbers of an array of one tile
    int tiles_at_most, n;
    KOKKOS_FUNCTION double* array(Kept which, int t) const {
      return kept + (static_cast<long>(which) * tiles_at_most + t) * tile;
    }
    KOKKOS_FUNCTION double* row(Row which) const { return rows_of + static_cast<long>(which) * n; }
    KOKKOS_FUNCTION double* lane(Lane which, int t) const {
      return lanes_of + (static_cast<long>(which) * tiles_at_most + t) * L::width;
    }
  };

  KOKKOS_FUNCTION Places places(const TeamMember& team) const {
    const long tile = tile_size();
    double* const base = memory.data() + team.league_rank() * team_memory();
    return {base,
            row_memory.data() + static_cast<long>(team.league_rank()) * row_arrays * n(),
            lane_memory.data() +
                static_cast<long>(team.league_rank()) * lane_arrays * most_tiles * L::width,
            {base + tile * kept_arrays * most_tiles, rows},
            tile,
            most_tiles,
            n()};
  }

  /// The entry of the batch's arrays that lane number `lane` of all tiles holds.
  KOKKOS_FUNCTION std::int64_t entry(const State& s, int lane) const {
    const std::int64_t at = offsets(s.problem) + lane, end = offsets(s.problem + 1);
    return at < end ? at : end - 1;
  }
};

}  // namespace otfleet::kernels

#pragma once
#include <limits>

#include "kernels/backend.hpp"
#include "kernels/geometry/cost_form.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/small_clouds.hpp"

// What a team holds of the small problems in its lanes, and its loops over their pairs.

namespace otfleet::kernels {

/// The layout of a tile. Each side has `capacity` rows, of which a lane uses as many as its problem
/// has points with weight; weights are shares of the measure's mass, so that none is too large for
/// Scalar. What lies beyond is padding, and so is all of an idle lane:
///   log_weight = nothing, shift = −nothing, potential = extra = log_weight − shift, all else 0.
/// As a column, padding adds a power of two so small that no sum notices; as a row it stays what it
/// is in every update. All of it is finite, so that nothing idle raises an exception.
template <class ExecutionSpace, class Scalar_>
struct SmallTile {
  using Scalar = Scalar_;
  using L = Lanes<ExecutionSpace, Scalar>;
  using Pack = typename L::Pack;
  /// As launch_tiles() wants it.
  struct Domain {
    using L = SmallTile::L;
    using Scalar = Scalar_;
    static constexpr int planes = 1;
  };
  /// Rows that a thread takes through the columns together.
  static constexpr int block = Backend<ExecutionSpace>::small_cloud_rows;
  static constexpr Scalar nothing = -Kokkos::Experimental::finite_max<Scalar>::value / 4;

  static constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();

  /// `extra` and `missing` are for what a kernel holds besides.
  enum Array { index, weight, log_weight, potential, shift, extra, missing, arrays };
  enum Which { source, target };
  template <class Cost>
  struct CostUnits {
    Cost cost;
    Scalar scale;  ///< of costs to exponents
  };

  Scalar* memory;
  int capacity[2], dimension;

  /// Numbers of a lane.
  static int rows(const int (&capacity)[2], const SmallClouds<ExecutionSpace>& problems) {
    return (capacity[0] + capacity[1]) * (arrays + problems.dimension()) +
           (problems.has_costs() ? capacity[0] * capacity[1] : 0);
  }
  KOKKOS_FUNCTION static int capacity_for(int points) {
    return (points + block - 1) / block * block;
  }

  /// [capacity][lane]
  KOKKOS_FUNCTION Scalar* array(int side, int which) const {
    return memory + (static_cast<long>(side) * capacity[0] * (arrays + dimension) +
                     static_cast<long>(which) * capacity[side]) *
                        L::width;
  }
  /// [capacity][dimension][lane]
  KOKKOS_FUNCTION Scalar* points(int side) const { return array(side, arrays); }

  /// [source capacity][target capacity][lane], where costs are stored.
  KOKKOS_FUNCTION Scalar* costs() const {
    return array(1, 0) + static_cast<long>(arrays + dimension) * capacity[1] * L::width;
  }

  KOKKOS_FUNCTION static long at(int row, int lane) {
    return static_cast<long>(row) * L::width + lane;
  }

  /// What a row without a point holds in a lane.
  KOKKOS_FUNCTION void clear_row(int side, int row, int lane) const {
    array(side, index)[at(row, lane)] = 0;
    array(side, weight)[at(row, lane)] = 0;
    array(side, log_weight)[at(row, lane)] = nothing;
    array(side, potential)[at(row, lane)] = nothing + nothing;
    array(side, shift)[at(row, lane)] = -nothing;
    array(side, extra)[at(row, lane)] = nothing + nothing;
    array(side, missing)[at(row, lane)] = 0;
    for (int k = 0; k < dimension; ++k) points(side)[at(row * dimension + k, lane)] = 0;
  }

  /// Clears all rows of all lanes.
  KOKKOS_FUNCTION void clear(const Team<ExecutionSpace>& team) const {
    for (int side = 0; side < 2; ++side)
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, capacity[side] * int(L::width)),
                           [&](int i) { clear_row(side, i / L::width, i % L::width); });
    team.team_barrier();
  }

  /// Finds the points that carry weight, in order, and returns their number. By one thread.
  KOKKOS_FUNCTION int find_support(const SmallClouds<ExecutionSpace>& all,
                                   const SmallProblem& problem, int side, int lane) const {
    Scalar* const found = array(side, index);
    int count = 0;
    for (int i = 0; i < problem.size[side]; ++i)
      if (all.weight(problem, side, i) > 0) found[at(count++, lane)] = static_cast<Scalar>(i);
    return count;
  }

  KOKKOS_FUNCTION int point(int side, int row, int lane) const {
    return static_cast<int>(array(side, index)[at(row, lane)]);
  }

  /// Loads weight and point of a row that find_support() has found, coordinates times `factor`.
  /// A positive weight stays positive, however small it is for Scalar.
  KOKKOS_FUNCTION void load_row(const SmallClouds<ExecutionSpace>& all, const SmallProblem& problem,
                                int side, int row, int lane, double factor) const {
    const int i = point(side, row, lane);
    const double w = all.weight(problem, side, i);
    const double least = Kokkos::Experimental::norm_min<Scalar>::value;
    array(side, weight)[at(row, lane)] = static_cast<Scalar>(w > least ? w : least);
    array(side, log_weight)[at(row, lane)] = static_cast<Scalar>(::log2(w));
    for (int k = 0; k < dimension; ++k)
      points(side)[at(row * dimension + k, lane)] =
          static_cast<Scalar>(all.coordinate(problem, side, i, k) * factor);
  }

  /// Loads the stored costs of a source's row to the target's `columns` rows; both sides'
  /// find_support() came first.
  KOKKOS_FUNCTION void load_costs(const SmallClouds<ExecutionSpace>& all,
                                  const SmallProblem& problem, int row, int columns,
                                  int lane) const {
    const int i = point(source, row, lane);
    Scalar* const to = costs() + at(row * capacity[target], lane);
    for (int j = 0; j < columns; ++j)
      to[at(j, 0)] = static_cast<Scalar>(all.cost(problem, i, point(target, j, lane)));
  }

  /// The largest entry of a problem's row of f on the support; 0 when that is not finite. By one
  /// thread.
  KOKKOS_FUNCTION double largest_potential(const double* f, int count, int lane) const {
    double largest = -Kokkos::Experimental::infinity<double>::value;
    for (int row = 0; row < count; ++row) {
      const double value = f[point(source, row, lane)];
      if (value > largest) largest = value;
    }
    const double most = Kokkos::Experimental::finite_max<double>::value;
    return largest < most && largest > -most ? largest : 0.0;
  }

  /// Takes blocks of rows over all columns: calls use(column, sums) with what the coordinates give
  /// (Cost::add) for `block` rows from `row` on.
  template <class Cost, class Use>
  KOKKOS_FORCEINLINE_FUNCTION void for_columns(int side, int row, int columns, int lane,
                                               const Use& use) const {
    if constexpr (is_stored<Cost>) {
      const int across = side == source ? capacity[target] : 1;  // from one row to the next
      const int along = side == source ? 1 : capacity[target];   // from one column to the next
      const Scalar* const entry = costs() + at(row * across, lane);
      for (int j = 0; j < columns; ++j) {
        Pack entries[block];
        for (int r = 0; r < block; ++r) entries[r] = L::load(entry + at(r * across + j * along, 0));
        use(j, entries);
      }
      return;
    } else {
      const Scalar* const x = points(side) + at(row * dimension, lane);
      const Scalar* y = points(1 - side) + lane;
      for (int j = 0; j < columns; ++j) {
        typename Cost::template Sum<Pack> sums[block];
        for (int r = 0; r < block; ++r)
          sums[r] = typename Cost::template Sum<Pack>(Pack(Scalar(0)));
        for (int k = 0; k < dimension; ++k, y += L::width) {
          Pack coordinate = L::load(y);
          keep(coordinate);
          for (int r = 0; r < block; ++r)
            sums[r] = Cost::add(sums[r], L::load(x + at(r * dimension + k, 0)), coordinate);
        }
        use(j, sums);
      }
    }
  }

  /// offset − scale · cost from what coordinates give; products have taken up the scale.
  template <class Cost, class Sum>
  KOKKOS_FORCEINLINE_FUNCTION static Pack exponent(const CostUnits<Cost>& units, const Pack& offset,
                                                   const Sum& sum) {
    if constexpr (is_product<Cost>) return offset + sum;
    if constexpr (!is_product<Cost>)
      return offset - Pack(units.scale) * units.cost.template from_sum<Scalar, Pack>(sum);
  }

  /// largest[r] = max_j E_ij for a block of rows, E_ij = offset_j − scale · cost_ij with an array
  /// of the other side for offsets.
  template <class Cost>
  KOKKOS_FORCEINLINE_FUNCTION void find_largest(const CostUnits<Cost>& units, int side, int row,
                                                int columns, int lane, int offset,
                                                Pack (&largest)[block]) const {
    const Scalar* const offsets = array(1 - side, offset) + lane;
    for (int r = 0; r < block; ++r)
      largest[r] = Pack(-Kokkos::Experimental::infinity<Scalar>::value);
    for_columns<Cost>(side, row, columns, lane, [&](int j, const auto& sums) {
      const Pack from = L::load(offsets + at(j, 0));
      for (int r = 0; r < block; ++r) largest[r] = max(largest[r], exponent(units, from, sums[r]));
    });
  }

  /// result[r] = log2 of sum_j 2^E_ij, E_ij with the other side's potentials, computed as shift_i +
  /// log2 of sum_j 2^(E_ij − shift_i); the shifts of lanes where `stale` > 0 are the largest E_ij.
  template <class Cost>
  KOKKOS_FORCEINLINE_FUNCTION void log_sums(const CostUnits<Cost>& units, int side, int row,
                                            int columns, int lane, const Pack& stale,
                                            Pack (&result)[block]) const {
    const Scalar* const offsets = array(1 - side, potential) + lane;
    const Pack none(Scalar(0));
    Pack shifts[block], total[block];
    for (int r = 0; r < block; ++r) {
      shifts[r] = L::load(array(side, shift) + at(row + r, lane));
      total[r] = none;
    }
    if (any_positive(stale)) {
      const Pack least(nothing), broken(not_a_number);
      Pack largest[block];
      find_largest(units, side, row, columns, lane, potential, largest);
      for (int r = 0; r < block; ++r) {
        // Padding keeps its shift, and is nobody's largest term.
        const Pack real = min(stale, L::load(array(side, weight) + at(row + r, lane)));
        shifts[r] =
            if_greater(real, none, if_greater(largest[r], least, largest[r], broken), shifts[r]);
      }
    }
    for_columns<Cost>(side, row, columns, lane, [&](int j, const auto& sums) {
      const Pack from = L::load(offsets + at(j, 0));
      for (int r = 0; r < block; ++r)
        total[r] = total[r] + exp2_bounded(exponent(units, from - shifts[r], sums[r]));
    });
    // A sum that is not a number fails the comparison and stays.
    for (int r = 0; r < block; ++r)
      result[r] = shifts[r] + if_greater(total[r], none, log2_normal(total[r]), total[r]);
  }
};

/// body(lane) for every lane, and a barrier.
template <class L, class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void for_lanes(const TeamMember& team, const Body& body) {
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)), body);
  team.team_barrier();
}

/// A lane's sum number c of what for_row_blocks() left in `partial`.
template <class Tile, class TeamMember>
KOKKOS_INLINE_FUNCTION typename Tile::Scalar lane_sum(const TeamMember& team,
                                                      const typename Tile::Scalar* partial, int c,
                                                      int lane) {
  typename Tile::Scalar sum = 0;
  for (int worker = 0; worker < team.team_size(); ++worker)
    sum += partial[Tile::at(c * team.team_size() + worker, lane)];
  return sum;
}

/// load(side, row) for the rows of a lane that hold points, `count` of each side; those behind them
/// that were no padding, up to `used`, become so. No barrier.
template <class Tile, class TeamMember, class Counts, class Load>
KOKKOS_INLINE_FUNCTION void load_lane(const TeamMember& team, const Tile& tile, int lane,
                                      const Counts& counts, const Counts& used, const Load& load) {
  for (int side = 0; side < 2; ++side) {
    const int count = counts[side][lane], before = used[side][lane];
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, count > before ? count : before),
                         [&](int row) {
                           if (row < count)
                             load(side, row);
                           else
                             tile.clear_row(side, row, lane);
                         });
  }
}

/// Calls body(row, lane, sums) for blocks of `block` rows from `row` on, by pack of lanes from
/// `lane` on; partial[c][worker][lane] is then what each thread has left in sums[c], from 0. Which
/// rows a thread takes, and in which order, does not depend on `rows`. Ends with a barrier.
template <class Tile, int count, class ExecutionSpace, class Body>
KOKKOS_INLINE_FUNCTION void for_row_blocks(const Team<ExecutionSpace>& team, int rows,
                                           typename Tile::Scalar* partial, const Body& body) {
  using L = typename Tile::L;
  using Pack = typename Tile::Pack;
  const int workers = team.team_size();
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, workers), [&](int worker) {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
      const int lane = pack * L::pack_width;
      Pack sums[count];
      for (int c = 0; c < count; ++c) sums[c] = Pack(typename Tile::Scalar(0));
      for (int row = worker * Tile::block; row < rows; row += workers * Tile::block)
        body(row, lane, sums);
      for (int c = 0; c < count; ++c)
        L::store(partial + Tile::at(c * workers + worker, lane), sums[c]);
    });
  });
  team.team_barrier();
}

/// Launches a kernel over tiles of small problems; teams that memory has no room for wait.
template <class Kernel, class ExecutionSpace>
void launch_small_tiles(const ExecutionSpace& space, const std::string& label, Kernel& kernel) {
  using Tile = typename Kernel::Tile;
  constexpr std::size_t most_bytes = std::size_t{1} << 30;
  for (int s = 0; s < 2; ++s) kernel.capacity[s] = Tile::capacity_for(kernel.problems.side[s].most);
  const int rows = Tile::rows(kernel.capacity, kernel.problems);
  const std::size_t tile_bytes = sizeof(typename Tile::Scalar) * Tile::L::width * rows;
  const std::size_t tiles = std::max<std::size_t>(1, most_bytes / tile_bytes);
  const std::size_t lanes = std::min<std::size_t>(kernel.problems.size(), tiles * Tile::L::width);
  launch_tiles(space, label, kernel, static_cast<int>(lanes), rows);
}

}  // namespace otfleet::kernels

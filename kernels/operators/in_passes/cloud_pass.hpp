#pragma once
#include <algorithm>
#include <type_traits>

#include "kernels/geometry/cost_form.hpp"
#include "kernels/operators/in_passes/column_blocks.hpp"
#include "kernels/operators/in_passes/run_pass.hpp"

// The kernel of a pass, for one cost and one result: for run_pass.cpp alone, which compiles all of
// them. Costs are computed where they are used. Columns come in blocks, what one gives is combined
// with what the ones before gave: points that others hold are further blocks, and all points in one
// memory are the case of one block.

namespace otfleet::kernels {

template <PassResult result, class Scalar>
KOKKOS_INLINE_FUNCTION Scalar nothing_yet() {
  if (result == PassResult::largest) return -Kokkos::Experimental::infinity<Scalar>::value;
  if (result == PassResult::smallest) return Kokkos::Experimental::infinity<Scalar>::value;
  return Scalar(0);
}

template <PassResult result, class Pack>
KOKKOS_FORCEINLINE_FUNCTION Pack combine(const Pack& x, const Pack& y) {
  if constexpr (result == PassResult::largest) return max(x, y);
  if constexpr (result == PassResult::smallest) return min(x, y);
  if constexpr (result != PassResult::largest && result != PassResult::smallest) return x + y;
}

/// What the result `costs` adds up.
template <class Number>
struct SumAndCost {
  Number sum, cost;

  SumAndCost() = default;
  KOKKOS_FORCEINLINE_FUNCTION explicit SumAndCost(const Number& both) : sum(both), cost(both) {}
  KOKKOS_FORCEINLINE_FUNCTION SumAndCost(const Number& s, const Number& c) : sum(s), cost(c) {}
  KOKKOS_FORCEINLINE_FUNCTION SumAndCost operator+(const SumAndCost& other) const {
    return {sum + other.sum, cost + other.cost};
  }
};

template <class Cost, PassResult wanted, class ExecutionSpace, class Scalar_>
struct CloudPass {
  using Scalar = Scalar_;
  using Points = CloudPoints<ExecutionSpace, Scalar>;
  using L = typename Points::L;
  using Pack = typename L::Pack;
  static constexpr int block = Points::row_block;
  /// Rows that one thread takes through the columns together: their coordinates and those of a
  /// chunk of columns stay in a core's caches.
  static constexpr int strip = Backend<ExecutionSpace>::strip_rows;
  static_assert(strip % block == 0);
  static constexpr bool is_pair = wanted == PassResult::costs;
  static constexpr bool shifted = wanted == PassResult::exponential || is_pair;
  /// Of many columns, one in a lane, and of all.
  using Total = std::conditional_t<is_pair, SumAndCost<Pack>, Pack>;
  using RowTotal = std::conditional_t<is_pair, SumAndCost<Scalar>, Scalar>;

  Vector<const Scalar, ExecutionSpace> rows, columns, offset, shift;
  Vector<Scalar, ExecutionSpace> result, row_costs;  ///< row_costs: for `costs` alone
  int row_count, dimension, column_blocks, chunk;
  Cost ground_cost;  ///< or what an iteration has in its place
  Scalar scale;
  bool adds;                                  ///< to what other columns have left in result
  StoredCosts<ExecutionSpace, Scalar> costs;  ///< StoredCost
  int column_count;                           ///< the same
  KeptCells<ExecutionSpace> kept;             ///< of the columns; none: all of them
  int first_row = 0;

  KOKKOS_FORCEINLINE_FUNCTION static Total nothing() {
    return Total(Pack(nothing_yet<wanted, Scalar>()));
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(int row, const RowTotal& total) const {
    if constexpr (is_pair) {
      result(row) = adds ? result(row) + total.sum : total.sum;
      row_costs(row) = adds ? row_costs(row) + total.cost : total.cost;
    } else {
      result(row) = adds ? combine<wanted>(result(row), total) : total;
    }
  }
  /// All lanes of a total.
  KOKKOS_FORCEINLINE_FUNCTION static RowTotal of_lanes(const Total& total) {
    if constexpr (is_pair) {
      return {of_lanes_alone(total.sum), of_lanes_alone(total.cost)};
    } else {
      return of_lanes_alone(total);
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION static Scalar of_lanes_alone(const Pack& total) {
    Scalar lanes[L::width];
    L::store(lanes, total);
    for (int e = 1; e < L::width; ++e) lanes[0] = combine<wanted>(lanes[0], lanes[e]);
    return lanes[0];
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, team.team_size()), [&](int thread) {
      const int first = first_row + (team.league_rank() * team.team_size() + thread) * strip;
      if (first >= row_count) return;
      if constexpr (Backend<ExecutionSpace>::packs_are_vectors) {
        if constexpr (is_stored<Cost>)
          if (costs.by_column) return run_columns(first);
        Total totals[strip];
        run(first, 0, totals);
        for (int r = 0; r < strip && first + r < row_count; ++r)
          store(first + r, of_lanes(totals[r]));
      } else {
        const int lanes = L::packs;
        RowTotal total(nothing_yet<wanted, Scalar>());
        // Over the lanes, of what `part_of` takes from a total.
        const auto reduce = [&](const auto& part_of, auto reducer) {
          Kokkos::parallel_reduce(
              Kokkos::ThreadVectorRange(team, lanes),
              [&](int lane, Scalar& into) {
                Total part[strip];
                run(first, lane, part);
                into = combine<wanted>(into, part_of(part[0]));
              },
              reducer);
        };
        [[maybe_unused]] const auto all_of = [](const auto& part) { return part; };
        if constexpr (wanted == PassResult::largest) {
          reduce(all_of, Kokkos::Max<Scalar>(total));
        } else if constexpr (wanted == PassResult::smallest) {
          reduce(all_of, Kokkos::Min<Scalar>(total));
        } else if constexpr (is_pair) {
          reduce([](const Total& part) { return part.sum; }, Kokkos::Sum<Scalar>(total.sum));
          reduce([](const Total& part) { return part.cost; }, Kokkos::Sum<Scalar>(total.cost));
        } else {
          reduce(all_of, Kokkos::Sum<Scalar>(total));
        }
        Kokkos::single(Kokkos::PerThread(team), [&]() { store(first, total); });
      }
    });
  }

  /// totals[r] for the rows first… of a strip over the columns of one pack of every block.
  KOKKOS_FUNCTION void run(int first, int lane, Total* totals) const {
    for (int r = 0; r < strip; ++r) totals[r] = nothing();
    if (!kept) return run_range(first, lane, 0, column_blocks, totals);
    constexpr int blocks = cell_points / L::width;
    static_assert(cell_points % strip == 0 && cell_points % L::width == 0);
    const int cell = first / cell_points;
    for (int at = kept.first(cell); at < kept.first(cell + 1); ++at) {
      const CellRange range = kept.ranges(at);
      const int end = range.end * blocks;
      run_range(first, lane, range.begin * blocks, end < column_blocks ? end : column_blocks,
                totals);
    }
  }

  /// Adds the column blocks first_block … last_block − 1.
  KOKKOS_FUNCTION void run_range(int first, int lane, int first_block, int last_block,
                                 Total* totals) const {
    for (int begin = first_block; begin < last_block; begin += chunk) {
      const int end = chunk < last_block - begin ? begin + chunk : last_block;
      for (int r = 0; r < strip && first + r < row_count; r += block)
        if constexpr (is_stored<Cost>)
          run_stored(first + r, begin, end, lane * L::pack_width, totals + r);
        else
          run_block(first + r, begin, end, lane * L::pack_width, totals + r);
    }
  }

  /// A strip of targets over all sources, whose stored costs to them lie side by side: lanes are
  /// rows of the pass.
  KOKKOS_FUNCTION void run_columns(int first) const {
    constexpr int packs = (strip + L::width - 1) / L::width;
    Scalar lanes[packs * L::width] = {};
    const int count = row_count - first < strip ? row_count - first : strip;
    if constexpr (shifted)
      for (int r = 0; r < count; ++r) lanes[r] = shift(first + r);
    Total totals[packs];
    Pack shifts[packs];
    for (int g = 0; g < packs; ++g) {
      totals[g] = nothing();
      shifts[g] = L::load(lanes + g * L::width);
    }
    for (int c = 0; c < column_count; ++c) {
      const Scalar* cost = costs.values.data() + c * costs.stride + first;
      const Pack column_offset(offset(c));
      for (int g = 0; g < packs; ++g)
        totals[g] = combine<wanted>(
            totals[g], term_of(L::load(cost + g * L::width), column_offset, shifts[g]));
    }
    Scalar lane_costs[packs * L::width] = {};
    for (int g = 0; g < packs; ++g)
      if constexpr (is_pair) {
        L::store(lanes + g * L::width, totals[g].sum);
        L::store(lane_costs + g * L::width, totals[g].cost);
      } else {
        L::store(lanes + g * L::width, totals[g]);
      }
    for (int r = 0; r < count; ++r)
      if constexpr (is_pair)
        store(first + r, {lanes[r], lane_costs[r]});
      else
        store(first + r, lanes[r]);
  }

  KOKKOS_FUNCTION void run_block(int row, int begin, int end, int at, Total* totals) const {
    using Sum = typename Cost::template Sum<Pack>;
    const Scalar* x = rows.data() + static_cast<std::size_t>(row) * dimension;
    const std::size_t stride = static_cast<std::size_t>(dimension) * L::width;
    const Scalar* y = columns.data() + begin * stride + at;
    Total part[block];
    for (int r = 0; r < block; ++r) part[r] = nothing();
    for (int c = begin; c < end; ++c, y += stride) {
      const Pack column_offset = L::load(offset.data() + c * L::width + at);
      Sum sums[block];
      for (int r = 0; r < block; ++r) {
        sums[r] = Sum(Pack(Scalar(0)));
        // Where the exponent is the sum itself, it begins with what does not depend on the pair.
        if constexpr (is_product<Cost> && shifted)
          sums[r] = column_offset - Pack(shift(row + r));
        else if constexpr (is_product<Cost> && wanted == PassResult::largest)
          sums[r] = column_offset;
      }
      for (int k = 0; k < dimension; ++k) {
        Pack coordinate = L::load(y + k * L::width);
        keep(coordinate);
        for (int r = 0; r < block; ++r)
          sums[r] = Cost::add(sums[r], Pack(x[k * block + r]), coordinate);
      }
      for (int r = 0; r < block; ++r)
        part[r] = combine<wanted>(part[r], term(sums[r], column_offset, row + r));
    }
    for (int r = 0; r < block; ++r) totals[r] = combine<wanted>(totals[r], part[r]);
  }

  KOKKOS_FUNCTION void run_stored(int row, int begin, int end, int at, Total* totals) const {
    const int count = row_count - row < block ? row_count - row : block;
    for (int r = 0; r < count; ++r) {
      const Pack own_shift(shifted ? shift(row + r) : Scalar(0));
      for (int c = begin; c < end; ++c) {
        const std::int64_t column = static_cast<std::int64_t>(c) * L::width + at;
        const Scalar* cost =
            costs.values.data() +
            (costs.by_column ? column * costs.stride + row + r : (row + r) * costs.stride + column);
        // A pack of vectors reads its padding too.
        if (!Backend<ExecutionSpace>::packs_are_vectors && column >= column_count) continue;
        totals[r] = combine<wanted>(
            totals[r], term_of(L::load(cost), L::load(offset.data() + column), own_shift));
      }
    }
  }

  /// What a stored cost adds; a forbidden one has no mass.
  KOKKOS_FORCEINLINE_FUNCTION Total term_of(const Pack& cost, const Pack& column_offset,
                                            const Pack& own_shift) const {
    const Pack limit(Kokkos::Experimental::finite_max<Scalar>::value), none(Scalar(0));
    if constexpr (wanted == PassResult::smallest) return column_offset + cost;
    if constexpr (wanted == PassResult::largest) return column_offset - Pack(scale) * cost;
    if constexpr (wanted == PassResult::product)
      return if_greater(cost, limit, none, column_offset * cost);
    if constexpr (shifted) {
      const Pack power = exp2_bounded((column_offset - own_shift) - Pack(scale) * cost);
      if constexpr (is_pair)
        return {power, if_greater(cost, limit, none, cost * power)};
      else
        return power;
    }
  }

  template <class Sum>
  KOKKOS_FORCEINLINE_FUNCTION Total term(const Sum& sum, const Pack& column_offset, int row) const {
    if constexpr (is_product<Cost>) {
      static_assert(!is_product<Cost> || wanted == PassResult::largest ||
                    wanted == PassResult::exponential);
      if constexpr (wanted == PassResult::largest) return sum;
      return exp2_bounded(sum);
    } else {
      const Pack cost = ground_cost.template from_sum<Scalar, Pack>(sum);
      if constexpr (wanted == PassResult::product) return column_offset * cost;
      if constexpr (wanted == PassResult::smallest) return column_offset + cost;
      if constexpr (wanted == PassResult::largest) return column_offset - Pack(scale) * cost;
      if constexpr (shifted) {
        const Pack power = exp2_bounded((column_offset - Pack(shift(row))) - Pack(scale) * cost);
        if constexpr (is_pair)
          return {power, cost * power};
        else
          return power;
      }
    }
  }
};

/// See run_pass().
template <PassResult wanted, class Cost, class ExecutionSpace, class Scalar>
void run_cloud_pass(const ExecutionSpace& space, const Cost& cost,
                    const CloudPoints<ExecutionSpace, Scalar>& rows,
                    const CloudPoints<ExecutionSpace, Scalar>& columns,
                    const Vector<Scalar, ExecutionSpace>& offset,
                    const Vector<Scalar, ExecutionSpace>& shift,
                    const Vector<Scalar, ExecutionSpace>& result, double scale,
                    const Vector<Scalar, ExecutionSpace>& row_costs) {
  using Pass = CloudPass<Cost, wanted, ExecutionSpace, Scalar>;
  using L = typename Pass::L;
  constexpr int threads = Backend<ExecutionSpace>::team_size;
  constexpr int chunk_bytes = Backend<ExecutionSpace>::chunk_bytes;
  const int block_bytes = rows.dimension * L::width * static_cast<int>(sizeof(Scalar));
  const auto& kept = rows.kept;
  const int first_row = kept ? kept.own_begin * cell_points : 0;
  const int row_end = kept ? std::min(kept.own_end * cell_points, rows.count) : rows.count;
  const int strips = (row_end - first_row + Pass::strip - 1) / Pass::strip;
  bool adds = false;
  for_each_column_block(space, columns, offset, [&](const auto& block) {
    const int chunk = block_bytes == 0            ? block.blocks
                      : block_bytes < chunk_bytes ? chunk_bytes / block_bytes
                                                  : 1;
    const Pass pass{
        rows.rows, block.columns,  block.offset,  shift, result,   row_costs,
        row_end,   rows.dimension, block.blocks,  chunk, cost,     static_cast<Scalar>(scale),
        adds,      rows.costs,     columns.count, kept,  first_row};
    adds = true;
    if (strips <= 0) return;
    Kokkos::parallel_for(
        "otfleet::clouds::pass",
        Policy<ExecutionSpace>(space, (strips + threads - 1) / threads, threads, L::packs), pass);
  });
  if (!kept || !kept.communicator) return;
  const auto share = [&](const Vector<Scalar, ExecutionSpace>& values) {
    share_rows(space, *kept.communicator, static_cast<std::size_t>(first_row),
               static_cast<std::size_t>(std::max(row_end, first_row)), values);
  };
  share(result);
  if (Pass::is_pair) share(row_costs);
}

}  // namespace otfleet::kernels

#include "kernels/operators/in_lanes/small_cloud_operator.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

// What the operator computes over all pairs of points: compiled for every cost.

template <class ExecutionSpace>
template <class Cost>
void SmallCloudOperator<ExecutionSpace>::fit_with(const Cost& ground_cost, Side side) {
  const Tiles all = tiles_;
  const typename Tile::template CostUnits<Cost> units{ground_cost, scale_};
  const int s = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::fit", all.group.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int t) {
        const Tile tile = all.tile(t);
        all.for_blocks(team, s, t, [&](int row, int lane) {
          Pack logarithm[block];
          tile.log_sums(units, s, row, all.rows(1 - s, t), lane, Pack(1.0), logarithm);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            const Pack weight = L::load(tile.array(s, Tile::weight) + at), none(0.0);
            // What is not a number must not spread to the padding.
            L::store(tile.array(s, Tile::potential) + at,
                     if_greater(weight, none,
                                L::load(tile.array(s, Tile::log_weight) + at) - logarithm[r],
                                Pack(2 * Tile::nothing)));
          }
        });
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::fit(Side side) {
  with_cost(batch_, [&](const auto& cost) { fit_with(cost, side); });
}

template <class ExecutionSpace>
template <class Cost>
void SmallCloudOperator<ExecutionSpace>::log_sums_with(const Cost& ground_cost, Side side,
                                                       const Field& to,
                                                       const ProblemValue& active) {
  const Tiles all = tiles_;
  const typename Tile::template CostUnits<Cost> units{ground_cost, scale_};
  const int s = static_cast<int>(side);
  const ProblemValue stale = value(stale_value + s);
  const double ln2 = std::log(2.0);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::log_sums", all.group.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int t) {
        if (!active.any_positive(t)) return;
        const Tile tile = all.tile(t);
        all.for_blocks(team, s, t, [&](int row, int lane) {
          Pack logarithm[block];
          tile.log_sums(units, s, row, all.rows(1 - s, t), lane,
                        L::load(stale.base + static_cast<long>(t) * L::width + lane), logarithm);
          for (int r = 0; r < block; ++r) {
            const long at = Tile::at(row + r, lane);
            const Pack none(0.0);
            const Pack changes = min(L::load(tile.array(s, Tile::weight) + at),
                                     L::load(active.base + static_cast<long>(t) * L::width + lane));
            double *const shift = tile.array(s, Tile::shift) + at, *const result = to.of(t) + at;
            L::store(shift, if_greater(changes, none, logarithm[r], L::load(shift)));
            L::store(result, if_greater(changes, none, logarithm[r] * Pack(ln2), L::load(result)));
          }
        });
        for_lanes<L>(team, [&](int lane) { stale(t, lane) = -most_shift_drift; });
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::log_sums(Side side, const Field& to,
                                                  const ProblemValue& active) {
  with_cost(batch_, [&](const auto& cost) { log_sums_with(cost, side, to, active); });
}

template <class ExecutionSpace>
template <class Cost>
void SmallCloudOperator<ExecutionSpace>::rows_with(const Cost& ground_cost, Side side,
                                                   const Field& sums, const Field& costs) {
  const Tiles all = tiles_;
  const typename Tile::template CostUnits<Cost> units{ground_cost, scale_};
  const int s = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::rows", all.group.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int t) {
        const Tile tile = all.tile(t);
        const int columns = all.rows(1 - s, t);
        all.for_blocks(team, s, t, [&](int row, int lane) {
          const double* const offsets = tile.array(1 - s, Tile::potential) + lane;
          const double* const own = tile.array(s, Tile::potential) + lane;
          const Pack none(0.0), least(Tile::nothing), unit(units.scale);
          Pack sum[block], cost[block], mine[block];
          for (int r = 0; r < block; ++r) {
            sum[r] = cost[r] = none;
            mine[r] = L::load(own + Tile::at(row + r, 0));
          }
          tile.template for_columns<Cost>(s, row, columns, lane, [&](int j, const auto& pairs) {
            const Pack offset = L::load(offsets + Tile::at(j, 0));
            for (int r = 0; r < block; ++r) {
              const Pack c = units.cost.template from_sum<double, Pack>(pairs[r]);
              const Pack power = exp2_bounded((offset + mine[r]) - unit * c);
              // Padding adds nothing. An offset that is not a number fails the comparison.
              const Pack mass = if_greater(least, offset, none, power);
              sum[r] = sum[r] + mass;
              cost[r] = cost[r] + c * mass;
            }
          });
          store_block(sums, t, row, lane, sum);
          if (costs) store_block(costs, t, row, lane, cost);
        });
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::rows(Side side, const Field& sums, const Field& costs) {
  with_cost(batch_, [&](const auto& cost) { rows_with(cost, side, sums, costs); });
}

template <class ExecutionSpace>
template <class Cost>
void SmallCloudOperator<ExecutionSpace>::means_with(const Cost& ground_cost, Side side,
                                                    const Field& values_of, const Field& result) {
  const Tiles all = tiles_;
  const typename Tile::template CostUnits<Cost> units{ground_cost, scale_};
  const int s = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::means", all.group.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int t) {
        const Tile tile = all.tile(t);
        const int columns = all.rows(1 - s, t);
        const double* const value_at = values_of.of(t);
        all.for_blocks(team, s, t, [&](int row, int lane) {
          const double* const offsets = tile.array(1 - s, Tile::potential) + lane;
          const Pack none(0.0), least(Tile::nothing), unit(units.scale);
          Pack shifts[block], sum[block], product[block];
          tile.find_largest(units, s, row, columns, lane, Tile::potential, shifts);
          for (int r = 0; r < block; ++r) sum[r] = product[r] = none;
          tile.template for_columns<Cost>(s, row, columns, lane, [&](int j, const auto& pairs) {
            const Pack offset = L::load(offsets + Tile::at(j, 0));
            const Pack value_of = L::load(value_at + Tile::at(j, lane));
            for (int r = 0; r < block; ++r) {
              const Pack c = units.cost.template from_sum<double, Pack>(pairs[r]);
              const Pack power = exp2_bounded((offset - shifts[r]) - unit * c);
              const Pack mass = if_greater(least, offset, none, power);
              sum[r] = sum[r] + mass;
              product[r] = product[r] + if_greater(least, offset, none, value_of * power);
            }
          });
          for (int r = 0; r < block; ++r) product[r] = product[r] / sum[r];
          store_block(result, t, row, lane, product);
        });
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::means(Side side, const Field& values_of,
                                               const Field& result) {
  with_cost(batch_, [&](const auto& cost) { means_with(cost, side, values_of, result); });
}

template <class ExecutionSpace>
template <class Cost>
void SmallCloudOperator<ExecutionSpace>::apply_cost_with(const Cost& ground_cost, const Field& x,
                                                         const Field& result) {
  const Tiles all = tiles_;
  const typename Tile::template CostUnits<Cost> units{ground_cost, scale_};
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::apply_cost", all.group.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int t) {
        const Tile tile = all.tile(t);
        const double* const factors = x.of(t);
        all.for_blocks(team, 0, t, [&](int row, int lane) {
          Pack product[block];
          for (int r = 0; r < block; ++r) product[r] = Pack(0.0);
          tile.template for_columns<Cost>(
              0, row, all.rows(1, t), lane, [&](int j, const auto& pairs) {
                const Pack factor = L::load(factors + Tile::at(j, lane));
                for (int r = 0; r < block; ++r)
                  product[r] =
                      product[r] + factor * units.cost.template from_sum<double, Pack>(pairs[r]);
              });
          store_block(result, t, row, lane, product);
        });
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::apply_cost(const Field& x, const Field& result) {
  with_cost(batch_, [&](const auto& cost) { apply_cost_with(cost, x, result); });
}

template <class ExecutionSpace>
template <class Cost>
void SmallCloudOperator<ExecutionSpace>::hard_min_with(const Cost& ground_cost, Side side,
                                                       const Field& x, const Field& result) {
  const Tiles all = tiles_;
  const typename Tile::template CostUnits<Cost> units{ground_cost, scale_};
  const int s = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::hard_min", all.group.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int t) {
        const Tile tile = all.tile(t);
        const double* const terms = x.of(t);
        all.for_blocks(team, s, t, [&](int row, int lane) {
          Pack least[block];
          for (int r = 0; r < block; ++r)
            least[r] = Pack(Kokkos::Experimental::infinity<double>::value);
          tile.template for_columns<Cost>(
              s, row, all.rows(1 - s, t), lane, [&](int j, const auto& pairs) {
                const Pack term = L::load(terms + Tile::at(j, lane));
                for (int r = 0; r < block; ++r)
                  least[r] =
                      min(least[r], term + units.cost.template from_sum<double, Pack>(pairs[r]));
              });
          store_block(result, t, row, lane, least);
        });
      });
}

template <class ExecutionSpace>
void SmallCloudOperator<ExecutionSpace>::hard_min(Side side, const Field& x, const Field& result) {
  with_cost(batch_, [&](const auto& cost) { hard_min_with(cost, side, x, result); });
}

#define OTFLEET_INSTANTIATE(Space)                                                             \
  template void SmallCloudOperator<Space>::fit(Side);                                          \
  template void SmallCloudOperator<Space>::log_sums(Side, const TileOperator<Space>::Field&,   \
                                                    const TileOperator<Space>::ProblemValue&); \
  template void SmallCloudOperator<Space>::rows(Side, const TileOperator<Space>::Field&,       \
                                                const TileOperator<Space>::Field&);            \
  template void SmallCloudOperator<Space>::means(Side, const TileOperator<Space>::Field&,      \
                                                 const TileOperator<Space>::Field&);           \
  template void SmallCloudOperator<Space>::apply_cost(const TileOperator<Space>::Field&,       \
                                                      const TileOperator<Space>::Field&);      \
  template void SmallCloudOperator<Space>::hard_min(Side, const TileOperator<Space>::Field&,   \
                                                    const TileOperator<Space>::Field&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

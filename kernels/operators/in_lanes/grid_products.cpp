#include "kernels/operators/in_lanes/grid_operator.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {

// What the operator computes with its Gibbs kernels and costs.

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::fit(Side side) {
  const auto tile_of = tiles();
  const auto chain = chains_.gibbs[static_cast<int>(side)];
  const Field weight = weights(side);
  const int from = static_cast<int>(other(side)), to = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::fit", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        const auto memory = tile_of.memory(tile);
        const auto cropped = tile_of.crop(chain, to, tile);
        double* const u = memory.array(to);
        const double* const w = weight.of(tile);
        Domain::apply(team, cropped, memory.array(from), u, memory, scratch);
        for_rows<L>(team, cropped.to, [&](int row, int pack) {
          Domain::store(u, row, pack,
                        Domain::fit(load_plain<L>(w, row, pack), Domain::load(u, row, pack)));
        });
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::log_sums(Side side, const Field& to,
                                                    const ProblemValue& active) {
  const auto tile_of = tiles();
  const auto chain = chains_.gibbs[static_cast<int>(side)];
  const Field weight = weights(side);
  const int from = static_cast<int>(other(side)), which = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::log_sums", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        if (!active.any_positive(tile)) return;
        const auto memory = tile_of.memory(tile);
        const auto cropped = tile_of.crop(chain, which, tile);
        double *const y = memory.array(applied), *const result = to.of(tile);
        const double* const w = weight.of(tile);
        Domain::apply(team, cropped, memory.array(from), y, memory, scratch);
        for_rows<L>(team, cropped.to, [&](int row, int pack) {
          const auto sum = Domain::load(y, row, pack);
          const Pack none(0.0), nothing(-1e300), broken(Domain::not_a_number);
          const Pack sign = Domain::above_zero(sum);
          const Pack logarithm = if_greater(sign, none, Domain::logarithm(sum),
                                            if_greater(sign, Pack(-1.0), nothing, broken));
          const Pack changes =
              min(load_plain<L>(w, row, pack),
                  L::load(&active(tile, 0) + static_cast<long>(pack) * L::pack_width));
          store_plain<L>(result, row, pack,
                         if_greater(changes, none, logarithm, load_plain<L>(result, row, pack)));
        });
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::set_exponents(Side side, const Field& from) {
  const auto tile_of = tiles();
  const Field weight = weights(side);
  const int which = static_cast<int>(side);
  for_points(
      "otfleet::operators::set_exponents", side, KOKKOS_LAMBDA(const Place& at) {
        const Pack none(0.0), w = weight.load(at);
        Pack stored[Domain::planes];
        Domain::from_exponent(if_greater(w, none, from.load(at), none), none, stored);
        double* const u = tile_of.memory(at.tile).array(which);
        const long row = at.row * Domain::planes * L::width + at.lane;
        for (int plane = 0; plane < Domain::planes; ++plane)
          L::store(u + row + plane * L::width,
                   if_greater(w, none, stored[plane], Pack(Domain::nothing(plane))));
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::exponents(Side side, const Field& to) const {
  const auto tile_of = tiles();
  const int which = static_cast<int>(side);
  for_points(
      "otfleet::operators::exponents", side, KOKKOS_LAMBDA(const Place& at) {
        const double* const u = tile_of.memory(at.tile).array(which);
        to.store(at, Domain::logarithm(Domain::load(u, at.row, at.lane / L::pack_width)));
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::rows(Side side, const Field& sums, const Field& costs) {
  const auto tile_of = tiles();
  const auto chains = chains_;
  const int from = static_cast<int>(other(side)), to = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::rows", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        const auto memory = tile_of.memory(tile);
        const double* const u = memory.array(to);
        double* const y = memory.array(applied);
        const auto marginal = [&](int row, int pack) {
          return Domain::marginal(Domain::load(u, row, pack), Domain::load(y, row, pack));
        };
        const auto cropped = tile_of.crop(chains.gibbs[to], to, tile);
        double* const sum = sums.of(tile);
        Domain::apply(team, cropped, memory.array(from), y, memory, scratch);
        for_rows<L>(team, cropped.to, [&](int row, int pack) {
          store_plain<L>(sum, row, pack, marginal(row, pack));
        });
        if (!costs) return;
        double* const cost = costs.of(tile);
        for (int d = 0; d < chains.axes; ++d) {
          Domain::apply(team, tile_of.crop(chains.weighted[d], to, tile), memory.array(from), y,
                        memory, scratch);
          for_rows<L>(team, cropped.to, [&](int row, int pack) {
            const Pack before = d == 0 ? Pack(0.0) : load_plain<L>(cost, row, pack);
            store_plain<L>(cost, row, pack, before + marginal(row, pack));
          });
        }
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::scale_down(Side side, const Field& sums) {
  const auto tile_of = tiles();
  const Field weight = weights(side);
  const int which = static_cast<int>(side);
  for_points(
      "otfleet::operators::scale_down", side, KOKKOS_LAMBDA(const Place& at) {
        // min(weight / sum, 1), without a quotient that overflows.
        const Pack tiny(Kokkos::Experimental::norm_min<double>::value), w = weight.load(at);
        const Pack factor = w / max(max(sums.load(at), w), tiny);
        double* const u = tile_of.memory(at.tile).array(which);
        const int pack = at.lane / L::pack_width;
        Domain::store(u, at.row, pack, Domain::scale(Domain::load(u, at.row, pack), factor));
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::means(Side side, const Field& values,
                                                 const Field& result) {
  const auto tile_of = tiles();
  const auto chain = chains_.gibbs[static_cast<int>(side)];
  const int from = static_cast<int>(other(side)), to = static_cast<int>(side);
  const bool first = !has_whole_[to];
  has_whole_[to] = true;
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::means", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        const auto memory = tile_of.memory(tile);
        const auto cropped = tile_of.crop(chain, to, tile);
        const double *const u = memory.array(from), *const value = values.of(tile);
        double *const weighted = memory.array(applied), *const part = memory.array(partial);
        double *const sum = memory.array(whole), *const mean = result.of(tile);
        if (first) Domain::apply(team, cropped, u, sum, memory, scratch);
        for_rows<L>(team, cropped.from, [&](int row, int pack) {
          Domain::store(weighted, row, pack,
                        Domain::scale(Domain::load(u, row, pack), load_plain<L>(value, row, pack)));
        });
        Domain::apply(team, cropped, weighted, part, memory, scratch);
        for_rows<L>(team, cropped.to, [&](int row, int pack) {
          store_plain<L>(
              mean, row, pack,
              Domain::share(Domain::load(part, row, pack), Domain::load(sum, row, pack)));
        });
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::apply_cost(const Field& x, const Field& result) {
  const auto tile_of = tiles();
  const auto chains = chains_;
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::apply_cost", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        const auto memory = tile_of.memory(tile);
        double *const y = memory.array(applied), *const total = result.of(tile);
        for (int d = 0; d < chains.axes; ++d) {
          const auto cropped = tile_of.crop(chains.product[d], 0, tile);
          apply_linear<L>(team, cropped, x.of(tile), y, memory.array(scratch));
          for_rows<L>(team, cropped.to, [&](int row, int pack) {
            const Pack before = d == 0 ? Pack(0.0) : load_plain<L>(total, row, pack);
            store_plain<L>(total, row, pack, before + load_plain<L>(y, row, pack));
          });
        }
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::hard_min(Side side, const Field& x,
                                                    const Field& result) {
  const auto tile_of = tiles();
  const int to = static_cast<int>(side);
  const auto chain = chains_.cost[to];
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::hard_min", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        apply_min_plus<L>(team, tile_of.crop(chain, to, tile), x.of(tile), result.of(tile),
                          tile_of.memory(tile).array(scratch));
      });
}

#define OTFLEET_INSTANTIATE(Space, Domain)                                                \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::fit(Side);             \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::log_sums(              \
      Side, const TileOperator<Space>::Field&, const TileOperator<Space>::ProblemValue&); \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::set_exponents(         \
      Side, const TileOperator<Space>::Field&);                                           \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::exponents(             \
      Side, const TileOperator<Space>::Field&) const;                                     \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::rows(                  \
      Side, const TileOperator<Space>::Field&, const TileOperator<Space>::Field&);        \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::scale_down(            \
      Side, const TileOperator<Space>::Field&);                                           \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::means(                 \
      Side, const TileOperator<Space>::Field&, const TileOperator<Space>::Field&);        \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::apply_cost(            \
      const TileOperator<Space>::Field&, const TileOperator<Space>::Field&);              \
  template void GridOperator<Domain<Lanes<Space, double>>, Space>::hard_min(              \
      Side, const TileOperator<Space>::Field&, const TileOperator<Space>::Field&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, ScalingDomain)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, ExtendedDomain)

}  // namespace otfleet::kernels

#include "kernels/operators/in_lanes/grid_operator.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class Domain, class ExecutionSpace>
GridOperator<Domain, ExecutionSpace>::GridOperator(const ExecutionSpace& space,
                                                   const GridProblems<ExecutionSpace>& all,
                                                   int tiles, const OperatorUse& use)
    : TileOperator<ExecutionSpace>(space), all_(all) {
  make_chains(use.costs);
  const auto &source = all.problems.source, &target = all.problems.target;
  sides_[0] = {source.weights, source.mass, all.problems.source_index, all.supports.source,
               all.cost.n()};
  sides_[1] = {target.weights, target.mass, all.problems.target_index, all.supports.target,
               all.cost.m()};
  rows_ = all.cost.max_points();
  arrays_ = array_count(use);
  per_tile_ = numbers_a_tile(all.cost, use);
  // Lanes that never held a problem still take part in the arithmetic.
  memory_ = Vector<double, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::operators::tiles"),
      static_cast<std::size_t>(tiles) * per_tile_);
  Kokkos::deep_copy(space, memory_, 0.0);
  values_ = Vector<double, ExecutionSpace>("otfleet::operators::problem_values",
                                           static_cast<std::size_t>(tiles) * L::width * values);
  regions_ = Vector<Region, ExecutionSpace>("otfleet::operators::regions", 2 * tiles);
  instances_ = Vector<int, ExecutionSpace>("otfleet::operators::instances", tiles * L::width);
  most_tiles_ = tiles;
  Kokkos::deep_copy(space, Kokkos::subview(values_, value_range(rounding_value)),
                    sum_rounding(all.cost.summed_terms()));
  Kokkos::deep_copy(space, Kokkos::subview(values_, value_range(gap_value)),
                    all.cost.longest_detour());
}

template <class Domain, class ExecutionSpace>
long GridOperator<Domain, ExecutionSpace>::numbers_a_tile(const SeparableCost& cost,
                                                          const OperatorUse& use) {
  return static_cast<long>(cost.max_points()) * L::width *
         (array_count(use) * Domain::planes + weight_fields + use.fields);
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::take_problems(
    int first, const Matrix<double, ExecutionSpace>& totals) {
  const int batch = all_.problems.size();
  const int left = (batch - first + L::width - 1) / L::width;
  group_.tiles = left < most_tiles_ ? left : most_tiles_;
  group_.regions[0] = regions_.data();
  group_.regions[1] = regions_.data() + most_tiles_;
  group_.instances = instances_.data();
  group_.totals = totals.data();
  group_.totals_stride = static_cast<long>(totals.extent(1));
  next_field_ = 0;
  const auto order = all_.supports.order;
  const auto source = sides_[0], target = sides_[1];
  const auto mass = value(mass_value);
  const Group group = group_;
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::take_problems", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          for (int lane = 0; lane < L::width; ++lane) {
            const int position = first + tile * L::width + lane;
            // Lanes beyond the batch repeat its last problem.
            const int k = order(position < batch ? position : batch - 1);
            group.instances[tile * L::width + lane] = position < batch ? k : -1;
            mass(tile, lane) = source.mass(source.index(k));
            for (int s = 0; s < 2; ++s) {
              const Region& support = (s == 0 ? source : target).supports(k);
              if (lane == 0) group.regions[s][tile] = support;
              group.regions[s][tile].include(support);
            }
          }
        });
      });
  has_whole_[0] = has_whole_[1] = false;
  for (const Side side : {Side::source, Side::target}) load_side_weights(side);
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::load_side_weights(Side side) {
  const auto own = sides_[static_cast<int>(side)];
  const auto tile_of = tiles();
  const Field to = weights(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::load_weights", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        for (int lane = 0; lane < L::width; ++lane)
          load_weights<L>(team, own.of(tile_of.problem(tile, lane)), Region::line(own.points), lane,
                          to.of(tile));
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::load(Side side,
                                                const ProblemRows<const double>& potentials,
                                                const Field& gaps) {
  const auto own = sides_[static_cast<int>(side)];
  const auto tile_of = tiles();
  const double epsilon = all_.epsilon;
  const auto most = value(side == Side::source ? source_largest : target_largest);
  const int which = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::load", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        const auto memory = tile_of.memory(tile);
        const Region region = Region::line(own.points);
        for (int lane = 0; lane < L::width; ++lane) {
          const int k = tile_of.problem(tile, lane);
          const double* row = potentials.data + k * potentials.stride;
          const double* weight = own.of(k);
          load_potential<Domain, ExecutionSpace>(team, row, weight, epsilon, region, lane,
                                                 memory.array(which));
          const double high = largest_on_support(team, row, weight, region);
          most(tile, lane) = high;
          if (!gaps) continue;
          double* const gap = gaps.of(tile);
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, own.points), [&](int i) {
            gap[static_cast<long>(i) * L::width + lane] = weight[i] > 0 ? high - row[i] : 0.0;
          });
        }
        team.team_barrier();
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::store(Side side,
                                                 const ProblemRows<double>& potentials) const {
  const auto own = sides_[static_cast<int>(side)];
  const auto tile_of = tiles();
  const double epsilon = all_.epsilon, minimum = all_.cost.minimum();
  const auto most = value(side == Side::source ? target_largest : source_largest);
  const auto masses = mass();
  const Group group = group_;
  const int which = static_cast<int>(side);
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::store", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        const auto memory = tile_of.memory(tile);
        for (int lane = 0; lane < L::width; ++lane) {
          const int k = group.instance(tile, lane);
          if (k < 0) break;
          const double constant = minimum - most(tile, lane) + epsilon * ::log(masses(tile, lane));
          store_potential<Domain, ExecutionSpace>(team, memory.array(which), own.of(k), epsilon,
                                                  constant, Region::line(own.points), lane,
                                                  potentials.data + k * potentials.stride);
        }
        team.team_barrier();
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::load_points(
    Side side, const Matrix<const double, ExecutionSpace>& points, int c, const Field& to) const {
  for_points(
      "otfleet::operators::load_points", side,
      KOKKOS_LAMBDA(const Place& at) { to.store(at, Pack(points(at.row, c))); });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::store_field(Side side, const Field& from,
                                                       const ProblemRows<double>& rows,
                                                       int c) const {
  const auto own = sides_[static_cast<int>(side)];
  const Group group = group_;
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::store_field", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        const double* const values = from.of(tile);
        for (int lane = 0; lane < L::width; ++lane) {
          const int k = group.instance(tile, lane);
          if (k < 0) break;
          const double* weight = own.of(k);
          double* const row = rows.data + k * rows.stride;
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, own.points), [&](int i) {
            if (weight[i] > 0)
              row[static_cast<long>(i) * rows.per_point + c] =
                  values[static_cast<long>(i) * L::width + lane];
          });
        }
        team.team_barrier();
      });
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::fill_rows(Side side, const ProblemRows<double>& rows,
                                                     double value_of) const {
  const int points = sides_[static_cast<int>(side)].points;
  const Group group = group_;
  for_tiles<ExecutionSpace, L>(
      space_, "otfleet::operators::fill_rows", group_.tiles,
      KOKKOS_LAMBDA(const TeamMember& team, int tile) {
        for (int lane = 0; lane < L::width; ++lane) {
          const int k = group.instance(tile, lane);
          if (k < 0) break;
          double* const row = rows.data + k * rows.stride;
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, points),
                               [&](int i) { row[i] = value_of; });
        }
        team.team_barrier();
      });
}

template <class Domain, class ExecutionSpace>
auto GridOperator<Domain, ExecutionSpace>::taken_off(Side side) const -> ProblemValue {
  return value(side == Side::source ? source_largest : target_largest);
}

template <class Domain, class ExecutionSpace>
void GridOperator<Domain, ExecutionSpace>::make_chains(bool costs) {
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  constexpr auto to_target = Gibbs::Direction::to_target, to_source = Gibbs::Direction::to_source;
  tables_ = gibbs_kernel<ExecutionSpace, double>(all_.cost, all_.epsilon, costs);
  chains_.axes = tables_->axes();
  chains_.gibbs[0] = tables_->gibbs(to_source);
  chains_.gibbs[1] = tables_->gibbs(to_target);
  if (!costs) return;
  for (int d = 0; d < chains_.axes; ++d) {
    chains_.weighted[d] = tables_->weighted(d, to_source);
    chains_.product[d] = tables_->rank_one(d, to_source);
  }
  chains_.cost[0] = tables_->cost(to_source);
  chains_.cost[1] = tables_->cost(to_target);
}

#define OTFLEET_INSTANTIATE(Space)                                         \
  template class GridOperator<ScalingDomain<Lanes<Space, double>>, Space>; \
  template class GridOperator<ExtendedDomain<Lanes<Space, double>>, Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

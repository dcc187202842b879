#include "kernels/operators/in_lanes/grid_soft_minimum.hpp"

#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// One side of a problem as a kernel reads it.
template <class ExecutionSpace>
struct WeighedSide {
  Matrix<const double, ExecutionSpace> weights;
  Vector<const int, ExecutionSpace> index;
  Vector<const Region, ExecutionSpace> regions;

  KOKKOS_FUNCTION const double* of(int k) const { return &weights(index(k), 0); }
};

template <class Domain_, class ExecutionSpace>
struct GridSoftMinimumKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Pack = typename L::Pack;
  using Memory = typename Domain::Memory;
  enum Array { input, sum, weighted_sum, mean, scratch };
  static constexpr int arrays = scratch + Domain::scratch_arrays;

  AxisChain<double> gibbs, weighted[SeparableCost::max_axes];
  int weighted_axes;  ///< 0: the soft minimum is wanted
  double epsilon, cost_minimum;
  WeighedSide<ExecutionSpace> from, to;
  Vector<const int, ExecutionSpace> which;
  Matrix<const double, ExecutionSpace> potentials;
  Matrix<double, ExecutionSpace> result;
  Vector<double, ExecutionSpace> memory = {};
  long rows = 0;

  static std::size_t scratch_bytes(int) { return 0; }

  KOKKOS_FUNCTION int count() const { return static_cast<int>(which.extent(0)); }
  /// The problem in a lane; the last one repeated beyond them all.
  KOKKOS_FUNCTION int instance(int tile, int lane) const {
    const int position = tile * L::width + lane;
    return which(position < count() ? position : count() - 1);
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const Memory tile = team_tile<Domain>(team, memory, arrays, rows);
    const int tiles = (count() + L::width - 1) / L::width;
    for (int t = team.league_rank(); t < tiles; t += team.league_size()) {
      Region inputs = from.regions(instance(t, 0)), outputs = to.regions(instance(t, 0));
      for (int lane = 0; lane < L::width; ++lane) {
        const int k = instance(t, lane);
        inputs.include(from.regions(k));
        outputs.include(to.regions(k));
        load_potential<Domain, ExecutionSpace>(team, &potentials(k, 0), from.of(k), epsilon,
                                               gibbs.in_points(), lane, tile.array(input));
      }
      Domain::apply(team, gibbs.within(inputs, outputs), tile.array(input), tile.array(sum), tile,
                    scratch);
      if (weighted_axes > 0) find_means(team, tile, inputs, outputs);
      for (int lane = 0; lane < L::width && t * L::width + lane < count(); ++lane)
        write(team, instance(t, lane), lane, tile);
    }
  }

  /// Array `mean`, of the costs less their minimum.
  KOKKOS_FUNCTION void find_means(const Team<ExecutionSpace>& team, const Memory& tile,
                                  const Region& inputs, const Region& outputs) const {
    const double *sums = tile.array(sum), *products = tile.array(weighted_sum);
    double* means = tile.array(mean);
    const Pack one(1.0), none(0.0);
    for (int d = 0; d < weighted_axes; ++d) {
      Domain::apply(team, weighted[d].within(inputs, outputs), tile.array(input),
                    tile.array(weighted_sum), tile, scratch);
      for_rows<L>(team, outputs, [&](int row, int pack) {
        const Pack share = Domain::marginal(Domain::fit(one, Domain::load(sums, row, pack)),
                                            Domain::load(products, row, pack));
        store_plain<L>(means, row, pack, share + (d == 0 ? none : load_plain<L>(means, row, pack)));
      });
    }
  }

  KOKKOS_FUNCTION void write(const Team<ExecutionSpace>& team, int k, int lane,
                             const Memory& tile) const {
    double* row = &result(k, 0);
    const double* weights = to.of(k);
    const int points = gibbs.out_points();
    if (weighted_axes == 0) {
      // load_potential took the largest entry out of the potential, the tables the smallest cost.
      const double largest =
          largest_on_support(team, &potentials(k, 0), from.of(k), gibbs.in_points());
      store_potential<Domain, ExecutionSpace>(team, tile.array(sum), weights, -epsilon,
                                              cost_minimum - largest, points, lane, row);
    } else {
      const double *means = tile.array(mean), low = cost_minimum;
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, points), [&](int i) {
        row[i] = weights[i] > 0 ? means[static_cast<long>(i) * L::width + lane] + low : 0.0;
      });
      team.team_barrier();
    }
  }
};

}  // namespace

template <class ExecutionSpace>
GridSoftMinimum<ExecutionSpace>::GridSoftMinimum(const ExecutionSpace& space,
                                                 const SeparableCost& cost,
                                                 const ProblemBatch<ExecutionSpace>& problems,
                                                 double epsilon)
    : cost_(cost),
      problems_(problems),
      epsilon_(epsilon),
      supports_(
          (check_batch(space, cost, problems, epsilon), find_supports(space, cost, problems))) {}

template <class ExecutionSpace>
template <class Domain>
void GridSoftMinimum<ExecutionSpace>::run_in(const ExecutionSpace& space, Wanted wanted,
                                             const Instances& which, const Potentials& potentials,
                                             const Potentials& result) const {
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  const bool costs = wanted == Wanted::costs;
  const auto tables = gibbs_kernel<ExecutionSpace, double>(cost_, epsilon_, costs);
  const auto direction =
      wanted == Wanted::target ? Gibbs::Direction::to_target : Gibbs::Direction::to_source;
  const WeighedSide<ExecutionSpace> source{problems_.source.weights, problems_.source_index,
                                           supports_.source};
  const WeighedSide<ExecutionSpace> target{problems_.target.weights, problems_.target_index,
                                           supports_.target};
  GridSoftMinimumKernel<Domain, ExecutionSpace> kernel{tables->gibbs(direction),
                                                       {},
                                                       costs ? tables->axes() : 0,
                                                       epsilon_,
                                                       cost_.minimum(),
                                                       wanted == Wanted::target ? source : target,
                                                       wanted == Wanted::target ? target : source,
                                                       which,
                                                       potentials,
                                                       result};
  for (int d = 0; d < kernel.weighted_axes; ++d)
    kernel.weighted[d] = tables->weighted(d, direction);
  launch_tiles(space, "otfleet::unbalanced::grid_soft_minimum", kernel, kernel.count(),
               cost_.max_points());
}

template <class ExecutionSpace>
void GridSoftMinimum<ExecutionSpace>::run(const ExecutionSpace& space, Wanted wanted,
                                          const Instances& which, const Potentials& potentials,
                                          const Potentials& result) const {
  if (which.extent(0) == 0) return;
  using L = Lanes<ExecutionSpace, double>;
  // exp(−600) is a sum's least value; what it loses to underflow is below its last digit.
  constexpr double most_exponent = 600;
  if (cost_.range() < most_exponent * epsilon_ && !cost_.forbids())
    run_in<ScalingDomain<L>>(space, wanted, which, potentials, result);
  else
    run_in<ExtendedDomain<L>>(space, wanted, which, potentials, result);
}

template <class ExecutionSpace>
void GridSoftMinimum<ExecutionSpace>::to_source(const ExecutionSpace& space, const Instances& which,
                                                const Potentials& g,
                                                const Potentials& result) const {
  run(space, Wanted::source, which, g, result);
}

template <class ExecutionSpace>
void GridSoftMinimum<ExecutionSpace>::to_target(const ExecutionSpace& space, const Instances& which,
                                                const Potentials& f,
                                                const Potentials& result) const {
  run(space, Wanted::target, which, f, result);
}

template <class ExecutionSpace>
void GridSoftMinimum<ExecutionSpace>::mean_costs(const ExecutionSpace& space,
                                                 const Instances& which, const Potentials& g,
                                                 const Potentials& result) const {
  run(space, Wanted::costs, which, g, result);
}

#define OTFLEET_INSTANTIATE(Space) template class GridSoftMinimum<Space>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

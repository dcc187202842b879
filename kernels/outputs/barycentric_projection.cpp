#include "kernels/outputs/barycentric_projection.hpp"

#include <limits>

#include "kernels/operators/in_lanes/half_step.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/outputs/unit_points.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// T = K (u · unit) / K u for every coordinate, u = exp(potential/epsilon), K from the side that
/// the potential belongs to ("given") to the other one ("wanted").
template <class Domain_, class ExecutionSpace>
struct ProjectionKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Scalar = double;
  using Pack = typename L::Pack;
  using Memory = typename Domain::Memory;
  enum Array { given, weighted, whole, part, scratch };
  static constexpr int arrays = scratch + Domain::scratch_arrays;
  static constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

  HalfStep<Domain, ExecutionSpace> half;  ///< its source side is the given one
  UnitPoints<ExecutionSpace> points;
  Matrix<double, ExecutionSpace> projection;
  int dimension;
  Vector<double, ExecutionSpace> memory = {};
  long rows = 0;

  static std::size_t scratch_bytes(int) { return 0; }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const Memory tile = team_tile<Domain>(team, memory, arrays, rows);
    const int tiles = (half.problems.size() + L::width - 1) / L::width;
    const UnitPoints<ExecutionSpace>& coordinates = points;
    const double *u = tile.array(given), *sums = tile.array(whole), *parts = tile.array(part);
    double *factors = tile.array(weighted), *shares = tile.array(weighted);
    for (int t = team.league_rank(); t < tiles; t += team.league_size()) {
      Region from, to;
      half.regions(t, from, to);
      const AxisChain<double> chain = half.to_target.within(from, to);
      for (int lane = 0; lane < L::width; ++lane) {
        const int k = half.instance(t, lane);
        load_potential<Domain, ExecutionSpace>(team, &half.f(k, 0), half.source_weights(k),
                                               half.epsilon, half.n(), lane, tile.array(given));
      }
      Domain::apply(team, chain, u, tile.array(whole), tile, scratch);
      for (int c = 0; c < dimension; ++c) {
        for_rows<L>(team, from, [&](int row, int pack) {
          Domain::store(factors, row, pack,
                        Domain::scale(Domain::load(u, row, pack), Pack(coordinates.unit(row, c))));
        });
        Domain::apply(team, chain, factors, tile.array(part), tile, scratch);
        for_rows<L>(team, to, [&](int row, int pack) {
          store_plain<L>(
              shares, row, pack,
              Domain::share(Domain::load(parts, row, pack), Domain::load(sums, row, pack)));
        });
        write(team, t, c, shares);
      }
    }
  }

  KOKKOS_FUNCTION void write(const Team<ExecutionSpace>& team, int t, int c,
                             const double* shares) const {
    const double low = points.low(c), span = points.span(c), nothing = no_value;
    const int d = dimension;
    for (int lane = 0; lane < L::width; ++lane) {
      if (t * L::width + lane >= half.problems.size()) break;
      const int k = half.instance(t, lane);
      const double* weights = half.target_weights(k);
      double* result = &projection(k, 0);
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, half.m()), [&](int i) {
        const double share = shares[static_cast<long>(i) * L::width + lane];
        result[static_cast<long>(i) * d + c] = weights[i] > 0 ? low + span * share : nothing;
      });
    }
    team.team_barrier();
  }
};

template <class Domain, class ExecutionSpace>
void run(const ExecutionSpace& space, const SeparableCost& cost,
         const ProblemBatch<ExecutionSpace>& problems, double epsilon, Projection direction,
         const Matrix<const double, ExecutionSpace>& potential,
         const UnitPoints<ExecutionSpace>& points,
         const Matrix<double, ExecutionSpace>& projection) {
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  const auto gibbs = gibbs_kernel<ExecutionSpace, double>(cost, epsilon);
  const auto to_target = gibbs->gibbs(Gibbs::Direction::to_target);
  const auto to_source = gibbs->gibbs(Gibbs::Direction::to_source);
  const Supports<ExecutionSpace> supports = find_supports(space, cost, problems);
  using Half = HalfStep<Domain, ExecutionSpace>;
  // A projection to the target begins with g: the same problems with their sides exchanged.
  const Half half =
      direction == Projection::to_source
          ? Half{to_target, to_source, problems, epsilon, cost.minimum(), potential, supports}
          : Half{to_source,
                 to_target,
                 exchange_sides(problems),
                 epsilon,
                 cost.minimum(),
                 potential,
                 {supports.target, supports.source, supports.order}};
  ProjectionKernel<Domain, ExecutionSpace> kernel{half, points, projection, points.dimension()};
  launch_tiles(space, "otfleet::plan::barycentric_projection", kernel, problems.size(),
               cost.max_points());
}

}  // namespace

template <class ExecutionSpace>
void barycentric_projection(const ExecutionSpace& space, const SeparableCost& cost,
                            const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                            Projection direction,
                            const Matrix<const double, ExecutionSpace>& potential,
                            const Matrix<const double, ExecutionSpace>& points,
                            const Matrix<double, ExecutionSpace>& projection) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  const bool forward = direction == Projection::to_target;
  const auto unit = check_projection(space, problems.size(), forward ? cost.m() : cost.n(),
                                     forward ? cost.n() : cost.m(), potential, points, projection);
  using L = Lanes<ExecutionSpace, double>;
  if (scaling_is_safe<double>(cost, epsilon, problems.smallest_weight()))
    run<ScalingDomain<L>>(space, cost, problems, epsilon, direction, potential, unit, projection);
  else
    run<ExtendedDomain<L>>(space, cost, problems, epsilon, direction, potential, unit, projection);
}

#define OTFLEET_INSTANTIATE(Space)                                                        \
  template void barycentric_projection<Space>(                                            \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double, Projection, \
      const Matrix<const double, Space>&, const Matrix<const double, Space>&,             \
      const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

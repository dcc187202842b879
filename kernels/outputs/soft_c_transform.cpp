#include "kernels/outputs/soft_c_transform.hpp"

#include "kernels/operators/in_lanes/half_step.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class Domain_, class ExecutionSpace>
struct SoftTransformKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Half = HalfStep<Domain, ExecutionSpace>;
  enum Array { scratch = Half::first_free };
  static constexpr int arrays = scratch + Domain::scratch_arrays;

  Half half;
  Matrix<double, ExecutionSpace> g;
  Vector<double, ExecutionSpace> memory = {};
  long rows = 0;

  static std::size_t scratch_bytes(int) { return 0; }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const typename Domain::Memory tile = team_tile<Domain>(team, memory, arrays, rows);
    const int tiles = (half.problems.size() + L::width - 1) / L::width;
    for (int t = team.league_rank(); t < tiles; t += team.league_size()) {
      half.load(team, t, tile);
      Region source, target;
      half.regions(t, source, target);
      Half::fit_target(team, tile, half.to_target.within(source, target), scratch);
      for (int lane = 0; lane < L::width; ++lane) {
        if (t * L::width + lane >= half.problems.size()) break;
        const int k = half.instance(t, lane);
        store_potential<Domain, ExecutionSpace>(
            team, tile.array(Half::right), half.target_weights(k), half.epsilon,
            half.constant(half.largest(team, k), k), half.m(), lane, &g(k, 0));
      }
      team.team_barrier();
    }
  }
};

template <class Domain, class ExecutionSpace>
void run(const ExecutionSpace& space, const SeparableCost& cost,
         const ProblemBatch<ExecutionSpace>& problems, double epsilon,
         const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g) {
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  const auto gibbs = gibbs_kernel<ExecutionSpace, double>(cost, epsilon);
  SoftTransformKernel<Domain, ExecutionSpace> kernel{
      {gibbs->gibbs(Gibbs::Direction::to_target), gibbs->gibbs(Gibbs::Direction::to_source),
       problems, epsilon, cost.minimum(), f, find_supports(space, cost, problems)},
      g};
  launch_tiles(space, "otfleet::sinkhorn::soft_c_transform", kernel, problems.size(),
               cost.max_points());
}

}  // namespace

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const SeparableCost& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  check_rows("g", g, problems.size(), cost.m());
  using L = Lanes<ExecutionSpace, double>;
  if (scaling_is_safe<double>(cost, epsilon, problems.smallest_weight()))
    run<ScalingDomain<L>>(space, cost, problems, epsilon, f, g);
  else
    run<ExtendedDomain<L>>(space, cost, problems, epsilon, f, g);
}

#define OTFLEET_INSTANTIATE(Space)                                            \
  template void soft_c_transform<Space>(                                      \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double, \
      const Matrix<const double, Space>&, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/outputs/semi_dual.hpp"

#include <stdexcept>

#include "kernels/operators/in_lanes/half_step.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class Domain_, class ExecutionSpace>
struct SemiDualKernel {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Scalar = double;
  using Half = HalfStep<Domain, ExecutionSpace>;
  enum Array { scratch = Half::first_free };
  static constexpr int arrays = scratch + Domain::scratch_arrays;

  Half half;
  Vector<double, ExecutionSpace> value;
  Matrix<double, ExecutionSpace> gradient;
  Vector<double, ExecutionSpace> memory = {};
  long rows = 0;

  static std::size_t scratch_bytes(int team_size) {
    return sizeof(double) * L::width * (1 + team_size) + 256;
  }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const typename Domain::Memory tile = team_tile<Domain>(team, memory, arrays, rows);
    double* target_dual =
        static_cast<double*>(team.team_shmem().get_shmem_aligned(sizeof(double) * L::width, 64));
    double* partial = static_cast<double*>(
        team.team_shmem().get_shmem_aligned(sizeof(double) * L::width * team.team_size(), 64));
    const int n = half.n();
    const int tiles = (half.problems.size() + L::width - 1) / L::width;
    const double epsilon = half.epsilon;
    for (int t = team.league_rank(); t < tiles; t += team.league_size()) {
      half.load(team, t, tile);
      Region source, target;
      half.regions(t, source, target);
      Half::run(team, tile, half.to_target.within(source, target),
                half.to_source.within(target, source), scratch);
      half.target_dual(team, tile, target, partial, target_dual);
      const double *u = tile.array(Half::left), *y = tile.array(Half::applied);
      double* row_sums = tile.array(Half::b);  // the weights there are no longer needed
      for_rows<L>(team, source, [&](int row, int pack) {
        store_plain<L>(row_sums, row, pack,
                       Domain::marginal(Domain::load(u, row, pack), Domain::load(y, row, pack)));
      });
      for (int lane = 0; lane < L::width; ++lane) {
        if (t * L::width + lane >= half.problems.size()) break;
        const int k = half.instance(t, lane);
        const double* a = half.source_weights(k);
        double* slope = &gradient(k, 0);
        const double mass = half.mass(k);
        double missing_mass = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n),
            [&](int i, double& sum) {
              const double missing =
                  a[i] > 0 ? a[i] - row_sums[static_cast<long>(i) * L::width + lane] : 0.0;
              slope[i] = mass * missing;
              sum += missing;
            },
            missing_mass);
        const double source_dual = half.source_dual(team, k);
        const double constant = half.constant(half.largest(team, k), k);
        const auto& values = value;
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          values(k) = mass * (source_dual + target_dual[lane] + constant + epsilon * missing_mass);
        });
      }
      team.team_barrier();
    }
  }
};

template <class Domain, class ExecutionSpace>
void run(const ExecutionSpace& space, const SeparableCost& cost,
         const ProblemBatch<ExecutionSpace>& problems, double epsilon,
         const Matrix<const double, ExecutionSpace>& f, const Vector<double, ExecutionSpace>& value,
         const Matrix<double, ExecutionSpace>& gradient) {
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  const auto gibbs = gibbs_kernel<ExecutionSpace, double>(cost, epsilon);
  SemiDualKernel<Domain, ExecutionSpace> kernel{
      {gibbs->gibbs(Gibbs::Direction::to_target), gibbs->gibbs(Gibbs::Direction::to_source),
       problems, epsilon, cost.minimum(), f, find_supports(space, cost, problems)},
      value,
      gradient};
  launch_tiles(space, "otfleet::sinkhorn::semi_dual", kernel, problems.size(), cost.max_points());
}

}  // namespace

template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const SeparableCost& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  check_rows("gradient", gradient, problems.size(), cost.n());
  if (value.extent(0) != static_cast<std::size_t>(problems.size()))
    throw std::invalid_argument("value does not have one entry for each problem");
  using L = Lanes<ExecutionSpace, double>;
  if (scaling_is_safe<double>(cost, epsilon, problems.smallest_weight()))
    run<ScalingDomain<L>>(space, cost, problems, epsilon, f, value, gradient);
  else
    run<ExtendedDomain<L>>(space, cost, problems, epsilon, f, value, gradient);
}

#define OTFLEET_INSTANTIATE(Space)                                                               \
  template void semi_dual<Space>(const Space&, const SeparableCost&, const ProblemBatch<Space>&, \
                                 double, const Matrix<const double, Space>&,                     \
                                 const Vector<double, Space>&, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

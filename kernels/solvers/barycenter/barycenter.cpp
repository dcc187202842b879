#include "kernels/solvers/barycenter/barycenter.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/backend.hpp"
#include "kernels/geometry/symmetric_cost.hpp"
#include "kernels/host_values.hpp"
#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/barycenter/barycenter_kernel.hpp"
#include "kernels/solvers/barycenter/check_sets.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
BarycenterSolution<ExecutionSpace>::BarycenterSolution(int batch, int n, std::int64_t measures)
    : barycenter("otfleet::barycenter::weights", batch, n),
      f("otfleet::barycenter::potentials", measures, measures > 0 ? n : 0),
      log_blur("otfleet::barycenter::log_blur", batch, measures > 0 ? n : 0),
      dual_value("otfleet::barycenter::dual_value", batch),
      mass("otfleet::barycenter::mass", batch),
      residual("otfleet::barycenter::residual", batch),
      iterations("otfleet::barycenter::iterations", batch),
      status("otfleet::barycenter::status", batch) {}

namespace {

template <class Domain, class ExecutionSpace>
void run(const ExecutionSpace& space, const SeparableCost& cost,
         const BarycenterBatch<ExecutionSpace>& problems, const BarycenterSettings& settings,
         const Vector<const std::int64_t, ExecutionSpace>& offsets,
         const BarycenterSolution<ExecutionSpace>& solution) {
  using Batch = BarycenterTiles<Domain, ExecutionSpace>;
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  using L = typename Domain::L;
  const auto gibbs = gibbs_kernel<ExecutionSpace, double>(cost, settings.epsilon);
  std::int64_t most = 1;
  for (int k = 0; k < problems.size(); ++k)
    most = std::max(most, problems.offsets[k + 1] - problems.offsets[k]);
  Batch batch{gibbs->gibbs(Gibbs::Direction::to_target),
              gibbs->gibbs(Gibbs::Direction::to_source),
              problems.measures,
              offsets,
              problems.index,
              problems.weight,
              solution,
              settings,
              {settings.threshold, settings.inner_iterations, settings.max_iterations,
               rounding_error<double>(cost.range() / settings.epsilon)},
              cost.minimum(),
              cost.max_points(),
              static_cast<int>((most + L::width - 1) / L::width),
              {},
              {},
              {},
              Vector<int, ExecutionSpace>("otfleet::barycenter::next", 1)};
  const int teams = std::min(problems.size(), concurrent_teams(space));
  const auto room = [&](const std::string& label, std::size_t length) {
    return Vector<double, ExecutionSpace>(label, teams * length);
  };
  batch.memory = room("otfleet::barycenter::tiles", static_cast<std::size_t>(batch.team_memory()));
  batch.row_memory =
      room("otfleet::barycenter::rows", static_cast<std::size_t>(Batch::row_arrays) * cost.n());
  batch.lane_memory =
      room("otfleet::barycenter::lanes",
           static_cast<std::size_t>(Batch::lane_arrays) * batch.most_tiles * L::width);
  begin_observed(space, settings.observer, solution.iterations, solution.status);
  constexpr int threads = Backend<ExecutionSpace>::team_size;
  Policy<ExecutionSpace> policy(space, teams, threads, L::packs);
  policy.set_scratch_size(0, Kokkos::PerTeam(static_cast<int>(Batch::scratch_bytes(threads))));
  Kokkos::parallel_for("otfleet::barycenter::iterate", policy,
                       BarycenterKernel<Domain, ExecutionSpace>{batch});
  space.fence();
}

template <class ExecutionSpace>
void check(const SeparableCost& cost, const BarycenterBatch<ExecutionSpace>& problems,
           const BarycenterSettings& settings, const BarycenterSolution<ExecutionSpace>& solution) {
  if (!(settings.epsilon > 0) || !std::isfinite(settings.epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  check_exponents("", cost.range(), settings.epsilon);
  SinkhornSettings limits;
  limits.threshold = settings.threshold;
  limits.inner_iterations = settings.inner_iterations;
  limits.max_iterations = settings.max_iterations;
  check_settings(limits);
  if (!(settings.tau > 0 && settings.tau <= 1))
    throw std::invalid_argument("tau must be in (0, 1]");
  if (cost.forbids())
    throw std::invalid_argument("barycenters need a cost that is finite everywhere");
  if (settings.debiased) {
    if (settings.tau < 1) throw std::invalid_argument("debiased barycenters need tau = 1");
    check_symmetric(cost);
  }
  const int batch = problems.size();
  if (problems.measures.points() != cost.m())
    throw std::invalid_argument("measures have " + std::to_string(problems.measures.points()) +
                                " points, the cost's target side has " + std::to_string(cost.m()));
  const auto index = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.index);
  const auto weight = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.weight);
  check_sets(problems.offsets, {index.data(), index.size()}, {weight.data(), weight.size()},
             problems.measures.count());
  check_rows("barycenter", solution.barycenter, batch, cost.n());
  if (solution.f.extent(0) > 0) check_rows("f", solution.f, problems.offsets.back(), cost.n());
  if (solution.log_blur.size() > 0) check_rows("log_blur", solution.log_blur, batch, cost.n());
  if (settings.from_solution && solution.f.extent(0) == 0)
    throw std::invalid_argument("a solution without potentials is no start");
  if (solution.size() != batch)
    throw std::invalid_argument("the solution does not have one row for each problem");
}

}  // namespace

template <class ExecutionSpace>
void solve_barycenters(const ExecutionSpace& space, const SeparableCost& cost,
                       const BarycenterBatch<ExecutionSpace>& problems,
                       const BarycenterSettings& settings,
                       const BarycenterSolution<ExecutionSpace>& solution) {
  if (problems.size() == 0) return;
  check(cost, problems, settings, solution);
  const auto offsets =
      copy_to_device<ExecutionSpace>("otfleet::barycenter::offsets", problems.offsets);
  using L = Lanes<ExecutionSpace, double>;
  // Every y oscillates by one range, so do all potentials of the target side, those of the
  // barycenter's by two: with a term of each, exponents stay within four.
  const double more =
      (cost.range() + (settings.tau < 1 ? std::abs(cost.minimum()) : 0)) / settings.epsilon +
      momentum_limit;
  if (scaling_is_safe<double>(cost, settings.epsilon, problems.measures.smallest_weight, more))
    run<ScalingDomain<L>>(space, cost, problems, settings, offsets, solution);
  else
    run<ExtendedDomain<L>>(space, cost, problems, settings, offsets, solution);
}

#define OTFLEET_INSTANTIATE(Space)                                                                 \
  template struct BarycenterSolution<Space>;                                                       \
  template void solve_barycenters<Space>(const Space&, const SeparableCost&,                       \
                                         const BarycenterBatch<Space>&, const BarycenterSettings&, \
                                         const BarycenterSolution<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/solvers/unbalanced/ascent_in_lanes.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_kernel.hpp"
#include "kernels/solvers/unbalanced/checks.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {
namespace {

/// A type of this file alone: GCC then inlines what the kernel calls once.
template <class ExecutionSpace>
struct Penalized : PenalizedMarginals<ExecutionSpace> {};

template <class ExecutionSpace>
struct Bounded : BoundedMarginals<ExecutionSpace> {};

template <class Domain, class Marginals, class ExecutionSpace>
void ascend(const ExecutionSpace& space, const SeparableCost& cost,
            const ProblemBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings,
            const StopRule& rule, const Marginals& marginals,
            const UnbalancedSolution<ExecutionSpace>& solution) {
  using Gibbs = GibbsKernel<ExecutionSpace, double>;
  const auto gibbs = gibbs_kernel<ExecutionSpace, double>(cost, settings.epsilon);
  SinkhornSettings limits;
  limits.epsilon = settings.epsilon;
  limits.observer = settings.observer;
  SinkhornKernel<Domain, ExecutionSpace, Marginals> kernel{
      marginals,
      gibbs->gibbs(Gibbs::Direction::to_target),
      gibbs->gibbs(Gibbs::Direction::to_source),
      problems,
      limits,
      rule,
      !settings.from_solution,
      solution.f,
      solution.iterations,
      solution.status,
      {},
      {},
      find_supports(space, cost, problems),
      {},
      0,
      Vector<int, ExecutionSpace>("otfleet::unbalanced::next", 1)};
  if constexpr (!Marginals::bounded)
    if (marginals.exchanges_sides()) {
      std::swap(kernel.marginals.tau_source, kernel.marginals.tau_target);
      std::swap(kernel.marginals.g, kernel.f);
      std::swap(kernel.to_target, kernel.to_source);
      kernel.problems = exchange_sides(problems);
      std::swap(kernel.supports.source, kernel.supports.target);
    }
  launch_tiles(space, "otfleet::unbalanced::iterate", kernel, problems.size(), cost.max_points());
}

/// The largest |log| of a ratio of two masses of a problem.
template <class ExecutionSpace>
double mass_range(const ProblemBatch<ExecutionSpace>& problems) {
  const auto on_host = [](const auto& values) {
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  };
  const auto a = on_host(problems.source.mass), b = on_host(problems.target.mass);
  const auto from = on_host(problems.source_index), to = on_host(problems.target_index);
  double most = 0;
  for (std::size_t k = 0; k < from.extent(0); ++k)
    most = std::max(most, std::abs(std::log(a(from(k))) - std::log(b(to(k)))));
  return most;
}

/// Zero relative to the weights: epsilon log of the weights, as shares times the mass.
template <class ExecutionSpace>
void begin_at_zero(const ExecutionSpace& space, const Measures<ExecutionSpace>& measures,
                   const Vector<const int, ExecutionSpace>& index, double epsilon,
                   const Matrix<double, ExecutionSpace>& potential) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::begin", team_each(space, static_cast<int>(index.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank(), row = index(k);
        const double log_mass = ::log(measures.mass(row));
        team_for(team, measures.points(), [&](int i) {
          const double share = measures.weights(row, i);
          potential(k, i) = share > 0 ? epsilon * (::log(share) + log_mass)
                                      : -Kokkos::Experimental::infinity<double>::value;
        });
      });
}

}  // namespace

template <class ExecutionSpace>
void ascend_in_lanes(const ExecutionSpace& space, const SeparableCost& cost,
                     const ProblemBatch<ExecutionSpace>& problems,
                     const UnbalancedSettings& settings, const StopRule& rule,
                     const UnbalancedSolution<ExecutionSpace>& solution) {
  using L = Lanes<ExecutionSpace, double>;
  Kokkos::deep_copy(space, solution.mass_potential, 0.0);
  begin_observed(space, settings.observer, solution.iterations, solution.status);
  if (settings.observer != nullptr && !settings.from_solution) {
    begin_at_zero(space, problems.source, problems.source_index, settings.epsilon, solution.f);
    begin_at_zero(space, problems.target, problems.target_index, settings.epsilon, solution.g);
  }
  // Products come in units of their largest, which leaves two ranges of the cost.
  const double more = -cost.range() / settings.epsilon;
  const auto run = [&](const auto& marginals, double others) {
    if (scaling_is_safe<double>(cost, settings.epsilon, problems.smallest_weight(), more + others))
      ascend<ScalingDomain<L>>(space, cost, problems, settings, rule, marginals, solution);
    else
      ascend<ExtendedDomain<L>>(space, cost, problems, settings, rule, marginals, solution);
  };
  if (const auto share = settings.transported_share)
    run(Bounded<ExecutionSpace>{{*share, cost.minimum(), solution.g, solution.mass_potential}},
        mass_range(problems) - std::log(*share));
  else
    run(Penalized<ExecutionSpace>{{settings.tau_a, settings.tau_b, cost.minimum(),
                                   is_balanced(settings), solution.g}},
        0.0);
}

#define OTFLEET_INSTANTIATE(Space)                                                            \
  template void ascend_in_lanes<Space>(const Space&, const SeparableCost&,                    \
                                       const ProblemBatch<Space>&, const UnbalancedSettings&, \
                                       const StopRule&, const UnbalancedSolution<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

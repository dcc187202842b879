#include "kernels/solvers/unbalanced/unbalanced.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/geometry/symmetric_cost.hpp"
#include "kernels/host_values.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_in_passes.hpp"
#include "kernels/solvers/unbalanced/ascent_in_lanes.hpp"
#include "kernels/solvers/unbalanced/dual_problem.hpp"
#include "kernels/solvers/unbalanced/problem_groups.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {
namespace {

/// A vector on the host.
template <class Array>
auto host_values(const Array& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return std::vector<typename Array::non_const_value_type>(host.data(),
                                                           host.data() + host.extent(0));
}

/// No cost is farther from another.
double cost_range(const SeparableCost& cost) {
  return cost.range();
}
template <class ExecutionSpace>
double cost_range(const PointCloudCost<ExecutionSpace>& cost) {
  return cost.bound();
}

template <class Cost>
StopRule stop_rule(const UnbalancedSettings& settings, const Cost& cost) {
  // Potentials are divided by epsilon, and by rho where marginals pay.
  const double tau = std::min(settings.tau_a, settings.tau_b);
  const double divisor = settings.epsilon * (tau < 1 ? std::min(1.0, tau / (1 - tau)) : 1.0);
  return {settings.threshold, settings.inner_iterations, settings.max_iterations,
          rounding_error<double>(cost_range(cost) / divisor)};
}

/// Iterates a group of problems until each has stopped, with step(which) for one iteration and
/// find_residual(which, residual) after it; fills iterations, and status with what each stopped
/// for.
template <class ExecutionSpace, class Step, class FindResidual>
void iterate(const StopRule& rule, IterationObserver* observer, std::vector<int> active,
             const Vector<int, ExecutionSpace>& iterations,
             const Vector<int, ExecutionSpace>& status, const Step& step,
             const FindResidual& find_residual) {
  const int batch = static_cast<int>(iterations.extent(0));
  const Vector<double, ExecutionSpace> residual("otfleet::unbalanced::residuals", batch);
  const auto done = Kokkos::create_mirror_view(iterations);
  const auto verdict = Kokkos::create_mirror_view(status);
  std::vector<InstanceControl> control(batch);
  Vector<const int, ExecutionSpace> which =
      copy_to_device<ExecutionSpace>("otfleet::unbalanced::which", active);
  for (int t = 0; !active.empty(); ++t) {
    step(t, which);
    if (t % rule.inner_iterations != 0 && t < rule.max_iterations) continue;
    find_residual(which, residual);
    const std::vector<double> found = host_values(residual);
    std::vector<int> open;
    for (const int k : active) {
      control[k].iteration = done(k) = t;
      const auto decision = control[k].test(rule, found[k]);
      verdict(k) = static_cast<int>(decision.why);
      if (!decision.stops) open.push_back(k);
    }
    if (observer != nullptr && !open.empty() &&
        !observer->goes_on(open.front(), t, found[open.front()])) {
      for (const int k : open) verdict(k) = static_cast<int>(Status::ended);
      open.clear();
    }
    if (open.size() < active.size()) {
      active = std::move(open);
      which = copy_to_device<ExecutionSpace>("otfleet::unbalanced::which", active);
    }
  }
  Kokkos::deep_copy(iterations, done);
  Kokkos::deep_copy(status, verdict);
}

template <class SoftMinimum, class ExecutionSpace>
void find_soft_minimum(const ExecutionSpace& space, SoftMinimum& soft_minimum, bool of_source,
                       const Vector<const int, ExecutionSpace>& which,
                       const DualProblem<ExecutionSpace>& dual) {
  if (of_source)
    soft_minimum.to_source(space, which, dual.target.potential, dual.source.soft_minimum);
  else
    soft_minimum.to_target(space, which, dual.source.potential, dual.target.soft_minimum);
}

/// A share of the mass of problems on clouds.
template <class SoftMinimum, class ExecutionSpace>
void ascend_share(const ExecutionSpace& space, SoftMinimum& soft_minimum,
                  const UnbalancedSettings& settings, const StopRule& rule,
                  const DualProblem<ExecutionSpace>& dual,
                  const UnbalancedSolution<ExecutionSpace>& solution) {
  const auto update = [&](const auto& which, const auto& side) {
    update_bounded<ExecutionSpace>(space, which, side, dual.share_mass, solution.mass_potential);
  };
  if (!settings.from_solution) {
    start_from_zeros(space, dual.source);
    start_from_zeros(space, dual.target);
    Kokkos::deep_copy(space, solution.mass_potential, 0.0);
  }
  iterate<ExecutionSpace>(
      rule, settings.observer, host_values(soft_minimum.order()), solution.iterations,
      solution.status,
      [&](int t, const auto& which) {
        if (t > 0) update(which, dual.source);
        find_soft_minimum(space, soft_minimum, false, which, dual);
        update(which, dual.target);
        find_soft_minimum(space, soft_minimum, true, which, dual);
      },
      [&](const auto& which, const auto& residual) {
        measure_residual<ExecutionSpace>(space, which, dual.source, solution.mass_potential, 1,
                                         residual);
      });
}

/// For problems whose two sides are the same measure: one potential, updated by halves (Feydy et
/// al. 2019, section 3.1).
template <class SoftMinimum, class ExecutionSpace>
void ascend_symmetrically(const ExecutionSpace& space, SoftMinimum& soft_minimum,
                          const StopRule& rule, const DualProblem<ExecutionSpace>& dual,
                          const UnbalancedSolution<ExecutionSpace>& solution) {
  const auto& side = dual.source;
  start_from_zeros(space, side);
  Kokkos::deep_copy(space, solution.mass_potential, 0.0);
  iterate<ExecutionSpace>(
      rule, nullptr, host_values(soft_minimum.order()), solution.iterations, solution.status,
      [&](int t, const auto& which) {
        if (t > 0) average_update<ExecutionSpace>(space, which, side);
        soft_minimum.to_source(space, which, side.potential, side.soft_minimum);
      },
      [&](const auto& which, const auto& residual) {
        measure_residual<ExecutionSpace>(space, which, side, solution.mass_potential, 2, residual);
      });
  Kokkos::deep_copy(space, solution.g, solution.f);
}

/// The figures of a solution from those of its two sides.
template <class ExecutionSpace>
void combine(const ExecutionSpace& space, const DualProblem<ExecutionSpace>& dual,
             const SideFigures<ExecutionSpace>& source, const SideFigures<ExecutionSpace>& target,
             double epsilon, const UnbalancedSolution<ExecutionSpace>& solution) {
  const auto share_mass = dual.share_mass;
  const auto source_mass = dual.source.mass, target_mass = dual.target.mass;
  const bool shares = share_mass.extent(0) > 0;
  Kokkos::parallel_for(
      "otfleet::unbalanced::combine",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, solution.size()), KOKKOS_LAMBDA(int k) {
        const MarginalSums rows = source.marginal(k), columns = target.marginal(k);
        const double mass = rows.mass, lambda = solution.mass_potential(k);
        const double asked = shares ? share_mass(k) : mass;
        const double missing = mass < asked ? asked - mass : mass - asked;
        const double value = source.dual(k) + target.dual(k) + lambda * asked +
                             epsilon * (source_mass(k) * target_mass(k) - mass);
        solution.dual_value(k) = value;
        solution.primal_value(k) = value + source.gap(k) + target.gap(k) + lambda * (mass - asked);
        solution.transported_mass(k) = mass;
        const double wanted = rows.wanted > columns.wanted ? rows.wanted : columns.wanted;
        const double violation = rows.violation + columns.violation + missing;
        solution.residual(k) = MarginalSums{mass, wanted, violation}.violation_share();
      });
}

template <class SoftMinimum, class ExecutionSpace>
void certify_group(const ExecutionSpace& space, SoftMinimum& soft_minimum,
                   const UnbalancedSettings& settings, const DualProblem<ExecutionSpace>& dual,
                   const UnbalancedSolution<ExecutionSpace>& solution) {
  const auto all = soft_minimum.order();
  find_soft_minimum(space, soft_minimum, true, all, dual);
  find_soft_minimum(space, soft_minimum, false, all, dual);
  const SideFigures<ExecutionSpace> source(solution.size()), target(solution.size());
  measure_side(space, dual.source, solution.mass_potential, source);
  measure_side(space, dual.target, solution.mass_potential, target);
  const Matrix<double, ExecutionSpace> costs("otfleet::unbalanced::mean_costs", solution.size(),
                                             solution.f.extent(1));
  soft_minimum.mean_costs(space, all, dual.target.potential, costs);
  marginal_means(space, dual.source, solution.mass_potential, costs, solution.transport_cost);
  combine(space, dual, source, target, settings.epsilon, solution);
}

/// epsilon log of the weights, as shares times the mass, in every row of `potential`.
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

template <class ExecutionSpace>
void ascend_on(const ExecutionSpace& space, const SeparableCost& cost,
               const ProblemBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings,
               const StopRule& rule, const UnbalancedSolution<ExecutionSpace>& solution) {
  ascend_in_lanes(space, cost, problems, settings, rule, solution);
}
template <class ExecutionSpace>
void ascend_on(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings,
               const StopRule& rule, const UnbalancedSolution<ExecutionSpace>& solution) {
  SinkhornSettings limits;
  limits.epsilon = settings.epsilon;
  limits.observer = settings.observer;
  const PenalizedMarginals<ExecutionSpace> marginals{settings.tau_a, settings.tau_b, 0.0,
                                                     is_balanced(settings), solution.g};
  sinkhorn_in_passes<ExecutionSpace>(space, cost, problems, marginals, limits, rule,
                                     !settings.from_solution, solution.f, solution.iterations,
                                     solution.status);
}

/// By Sinkhorn's kernels: fills f, g, mass_potential, iterations and status.
template <class Cost, class ExecutionSpace>
void ascend_at_once(const ExecutionSpace& space, const Cost& cost,
                    const ProblemBatch<ExecutionSpace>& problems,
                    const UnbalancedSettings& settings, const StopRule& rule,
                    const UnbalancedSolution<ExecutionSpace>& solution) {
  Kokkos::deep_copy(space, solution.mass_potential, 0.0);
  if (settings.observer != nullptr) {  // some problems may end before they have begun
    Kokkos::deep_copy(space, solution.status, static_cast<int>(Status::ended));
    Kokkos::deep_copy(space, solution.iterations, 0);
    if (!settings.from_solution) {
      begin_at_zero(space, problems.source, problems.source_index, settings.epsilon, solution.f);
      begin_at_zero(space, problems.target, problems.target_index, settings.epsilon, solution.g);
    }
  }
  ascend_on(space, cost, problems, settings, rule, solution);
}

/// The status of problems that have stopped, from their figures.
template <class ExecutionSpace>
void set_status(const ExecutionSpace& space, double threshold,
                const UnbalancedSolution<ExecutionSpace>& solution) {
  Kokkos::parallel_for(
      "otfleet::unbalanced::set_status", team_each(space, solution.size()),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        const auto wrong = [&](const auto& potential) {
          return team_count(team, static_cast<int>(potential.extent(1)),
                            [&](int i) { return potential(k, i) != potential(k, i); });
        };
        // Differences of what is not finite are not zero.
        const double figures[] = {solution.residual(k), solution.dual_value(k),
                                  solution.primal_value(k), solution.transport_cost(k),
                                  solution.mass_potential(k)};
        bool finite = wrong(solution.f) + wrong(solution.g) == 0;
        for (const double figure : figures) finite = finite && figure - figure == 0;
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          const auto why = static_cast<Status>(solution.status(k));
          solution.status(k) =
              static_cast<int>(final_status(why, solution.residual(k), threshold, finite));
        });
      });
}

/// Throws std::invalid_argument where for_dual_problems() would.
template <class Cost, class ExecutionSpace>
void check_dual_problems(const ExecutionSpace& space, const Cost& cost,
                         const ProblemBatch<ExecutionSpace>& problems,
                         const UnbalancedSettings& settings,
                         const UnbalancedSolution<ExecutionSpace>& solution) {
  check_unbalanced(settings);
  check_problems(space, cost, problems, settings.epsilon);
  if (problems.size() == 0) return;
  check_solution(solution, problems.size(), cost.n(), cost.m());
  check_masses(problems, settings);
}

/// Calls body(soft_minimum, dual problem, solution) for groups of problems, once all fits.
template <class Cost, class ExecutionSpace, class Body>
void for_dual_problems(const ExecutionSpace& space, const Cost& cost,
                       const ProblemBatch<ExecutionSpace>& problems,
                       const UnbalancedSettings& settings,
                       const UnbalancedSolution<ExecutionSpace>& solution, const Body& body) {
  check_dual_problems(space, cost, problems, settings, solution);
  if (problems.size() == 0) return;
  for_groups(
      space, cost, problems, settings.epsilon,
      [&](auto& soft_minimum, const ProblemBatch<ExecutionSpace>& group, int first, int last) {
        const auto rows = solution.rows(first, last);
        body(soft_minimum, make_dual_problem(space, group, settings, rows), rows);
      });
  space.fence();
}

}  // namespace

template <class Cost, class ExecutionSpace>
void solve_unbalanced(const ExecutionSpace& space, const Cost& cost,
                      const ProblemBatch<ExecutionSpace>& problems,
                      const UnbalancedSettings& settings,
                      const UnbalancedSolution<ExecutionSpace>& solution) {
  check_dual_problems(space, cost, problems, settings, solution);
  if (problems.size() == 0) return;
  const StopRule rule = stop_rule(settings, cost);
  // A share of the mass of clouds has no passes of its own yet.
  const bool apart = !std::is_same_v<Cost, SeparableCost> && settings.transported_share;
  if (!apart) ascend_at_once(space, cost, problems, settings, rule, solution);
  for_dual_problems(space, cost, problems, settings, solution,
                    [&](auto& soft_minimum, const auto& dual, const auto& rows) {
                      if (apart) ascend_share(space, soft_minimum, settings, rule, dual, rows);
                      certify_group(space, soft_minimum, settings, dual, rows);
                      set_status(space, settings.threshold, rows);
                    });
}

template <class Cost, class ExecutionSpace>
void solve_self_transport(const ExecutionSpace& space, const Cost& cost,
                          const Measures<ExecutionSpace>& measures,
                          const Vector<const int, ExecutionSpace>& index,
                          const UnbalancedSettings& settings,
                          const UnbalancedSolution<ExecutionSpace>& solution) {
  if (settings.tau_a != settings.tau_b || settings.transported_share)
    throw std::invalid_argument("transport of a measure to itself needs tau_a = tau_b, no share");
  check_symmetric(cost);
  const ProblemBatch<ExecutionSpace> problems{measures, measures, index, index};
  for_dual_problems(space, cost, problems, settings, solution,
                    [&](auto& soft_minimum, const auto& dual, const auto& rows) {
                      ascend_symmetrically(space, soft_minimum, stop_rule(settings, cost), dual,
                                           rows);
                      certify_group(space, soft_minimum, settings, dual, rows);
                      set_status(space, settings.threshold, rows);
                    });
}

template <class Cost, class ExecutionSpace>
void certify_unbalanced(const ExecutionSpace& space, const Cost& cost,
                        const ProblemBatch<ExecutionSpace>& problems,
                        const UnbalancedSettings& settings,
                        const UnbalancedSolution<ExecutionSpace>& solution) {
  for_dual_problems(space, cost, problems, settings, solution,
                    [&](auto& soft_minimum, const auto& dual, const auto& rows) {
                      certify_group(space, soft_minimum, settings, dual, rows);
                    });
}

template <class Cost, class ExecutionSpace>
void differentiate_by_weights(const ExecutionSpace& space, const Cost& cost,
                              const ProblemBatch<ExecutionSpace>& problems,
                              const UnbalancedSettings& settings,
                              const UnbalancedSolution<ExecutionSpace>& solution,
                              const Matrix<double, ExecutionSpace>& by_source,
                              const Matrix<double, ExecutionSpace>& by_target) {
  if (problems.size() > 0) {
    check_rows("by_source", by_source, problems.size(), cost.n());
    check_rows("by_target", by_target, problems.size(), cost.m());
  }
  int first = 0;
  for_dual_problems(space, cost, problems, settings, solution,
                    [&](auto& soft_minimum, const auto& dual, const auto& rows) {
                      find_soft_minimum(space, soft_minimum, true, soft_minimum.order(), dual);
                      find_soft_minimum(space, soft_minimum, false, soft_minimum.order(), dual);
                      const int last = first + rows.size();
                      differentiate_weights(space, dual.source, dual.target.mass,
                                            rows.mass_potential, rows_of(by_source, first, last));
                      differentiate_weights(space, dual.target, dual.source.mass,
                                            rows.mass_potential, rows_of(by_target, first, last));
                      first = last;
                    });
}

#define OTFLEET_INSTANTIATE_COST(Space, Cost)                                             \
  template void solve_unbalanced<Cost, Space>(                                            \
      const Space&, const Cost&, const ProblemBatch<Space>&, const UnbalancedSettings&,   \
      const UnbalancedSolution<Space>&);                                                  \
  template void solve_self_transport<Cost, Space>(                                        \
      const Space&, const Cost&, const Measures<Space>&, const Vector<const int, Space>&, \
      const UnbalancedSettings&, const UnbalancedSolution<Space>&);                       \
  template void certify_unbalanced<Cost, Space>(                                          \
      const Space&, const Cost&, const ProblemBatch<Space>&, const UnbalancedSettings&,   \
      const UnbalancedSolution<Space>&);                                                  \
  template void differentiate_by_weights<Cost, Space>(                                    \
      const Space&, const Cost&, const ProblemBatch<Space>&, const UnbalancedSettings&,   \
      const UnbalancedSolution<Space>&, const Matrix<double, Space>&,                     \
      const Matrix<double, Space>&);
#define OTFLEET_INSTANTIATE(Space)               \
  OTFLEET_INSTANTIATE_COST(Space, SeparableCost) \
  OTFLEET_INSTANTIATE_COST(Space, PointCloudCost<Space>)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

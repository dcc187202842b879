#include "kernels/solvers/unbalanced/unbalanced.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/geometry/symmetric_cost.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"
#include "kernels/solvers/unbalanced/ascent_in_lanes.hpp"
#include "kernels/solvers/unbalanced/ascent_run.hpp"
#include "kernels/solvers/unbalanced/figures.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

MarginalPenalty penalty_of(const UnbalancedSettings& settings, Side side) {
  return {side == Side::source ? settings.tau_a : settings.tau_b, settings.epsilon,
          settings.transported_share.has_value()};
}

StopRule stop_rule(const UnbalancedSettings& settings, double cost_range) {
  // Potentials are divided by epsilon, and by rho where marginals pay.
  const double tau = std::min(settings.tau_a, settings.tau_b);
  const double divisor = settings.epsilon * (tau < 1 ? std::min(1.0, tau / (1 - tau)) : 1.0);
  return {settings.threshold, settings.inner_iterations, settings.max_iterations,
          rounding_error<double>(cost_range / divisor)};
}

constexpr OperatorUse ascent_use{9, false}, figures_use{6, true}, slope_use{4, false};

template <class Batch>
AscentRun begin_run(const Batch& batch, const UnbalancedSettings& settings,
                    const PotentialRows& rows, const IterationWatch& watch) {
  AscentRun run{settings, rows, watch, {}, {}, {}};
  for (const ProblemScale& scale : scales_of(batch))
    run.rules.push_back(stop_rule(settings, scale.range));
  run.iterations.assign(run.rules.size(), 0);
  run.status.assign(run.rules.size(), static_cast<int>(Status::ended));
  return run;
}

/// Solves by block ascent: body(group, run) for groups of problems. Fills potentials,
/// mass_potential, iterations and status with what each problem stopped for.
template <class Batch, class ExecutionSpace, class Body>
void ascend(const ExecutionSpace& space, const Batch& batch, const UnbalancedSettings& settings,
            const PotentialRows& rows, const UnbalancedFigures<ExecutionSpace>& out,
            const IterationWatch& watch, const Body& body) {
  auto run = begin_run(batch, settings, rows, watch);
  Kokkos::deep_copy(space, out.mass_potential, 0.0);
  const auto numbers =
      problem_numbers<ExecutionSpace>(batch, settings, out.mass_potential, ascent::numbers);
  for_each_operator(space, batch, settings.epsilon, ascent_use, numbers,
                    [&](auto& group) { body(group, run); });
  const auto lambda = Kokkos::create_mirror_view(out.mass_potential);
  const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), numbers);
  const auto iterations = Kokkos::create_mirror_view(out.iterations);
  const auto status = Kokkos::create_mirror_view(out.status);
  for (int k = 0; k < batch.size(); ++k) {
    lambda(k) = settings.transported_share ? settings.epsilon * found(k, unbalanced::lambda) : 0.0;
    iterations(k) = run.iterations[k];
    status(k) = run.status[k];
  }
  Kokkos::deep_copy(out.mass_potential, lambda);
  Kokkos::deep_copy(out.iterations, iterations);
  Kokkos::deep_copy(out.status, status);
}

template <class Batch, class ExecutionSpace>
void ascend(const ExecutionSpace& space, const Batch& batch, const UnbalancedSettings& settings,
            const PotentialRows& rows, const UnbalancedFigures<ExecutionSpace>& out,
            const IterationWatch& watch = {}) {
  ascend(space, batch, settings, rows, out, watch, [&](auto& group, AscentRun& run) {
    using Points = typename std::remove_reference_t<decltype(group)>::Points;
    if (settings.transported_share)
      return ascend_group(
          group, BoundedUpdates<Points>{{Side::target, Side::source}, settings.epsilon}, run);
    // The side that is updated last is exact for the other one: a constraint, not a penalty.
    const bool exchanges = settings.tau_a == 1 && settings.tau_b < 1;
    const UpdateOrder order = exchanges ? UpdateOrder{Side::source, Side::target}
                                        : UpdateOrder{Side::target, Side::source};
    ascend_group(
        group, PenalizedUpdates<Points>{order, {settings.tau_a, settings.tau_b}, settings.epsilon},
        run);
  });
}

/// Every problem's figures from its totals.
template <class ExecutionSpace>
void find_figures(const Matrix<double, ExecutionSpace>& sums, const UnbalancedSettings& settings,
                  const UnbalancedFigures<ExecutionSpace>& out, bool sets_status) {
  const auto total = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), sums);
  const auto dual = Kokkos::create_mirror_view(out.dual_value);
  const auto primal = Kokkos::create_mirror_view(out.primal_value);
  const auto cost = Kokkos::create_mirror_view(out.transport_cost);
  const auto mass = Kokkos::create_mirror_view(out.transported_mass);
  const auto residual = Kokkos::create_mirror_view(out.residual);
  const auto status = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), out.status);
  const double epsilon = settings.epsilon;
  for (int k = 0; k < out.size(); ++k) {
    const auto of = [&](Side side, int which) {
      return total(k, which + static_cast<int>(side) * figures::side_numbers);
    };
    const auto both = [&](int which) { return of(Side::source, which) + of(Side::target, which); };
    const double masses = std::exp(total(k, unbalanced::log_source_mass)) *
                          std::exp(total(k, unbalanced::log_target_mass));
    const double lambda = epsilon * total(k, unbalanced::lambda);
    mass(k) = of(Side::source, figures::mass);
    const double asked =
        settings.transported_share ? std::exp(total(k, unbalanced::asked)) : mass(k);
    dual(k) = both(figures::dual) + lambda * asked + epsilon * (masses - mass(k));
    primal(k) = dual(k) + both(figures::gap) + lambda * (mass(k) - asked);
    cost(k) = of(Side::source, figures::cost) +
              epsilon * total(k, unbalanced::low) * of(Side::source, figures::mass);
    const double wanted =
        std::max(of(Side::source, figures::wanted), of(Side::target, figures::wanted));
    const double whole = std::max(mass(k), wanted);
    const double violation = both(figures::violation) + std::abs(mass(k) - asked);
    residual(k) = whole > 0 ? violation / whole : violation;
    if (!sets_status) continue;
    bool finite = true;
    const double figures_of[] = {residual(k), dual(k), primal(k), cost(k), lambda};
    for (const double figure : figures_of) finite = finite && std::isfinite(figure);
    status(k) = static_cast<int>(
        final_status(static_cast<Status>(status(k)), residual(k), settings.threshold, finite));
  }
  Kokkos::deep_copy(out.dual_value, dual);
  Kokkos::deep_copy(out.primal_value, primal);
  Kokkos::deep_copy(out.transport_cost, cost);
  Kokkos::deep_copy(out.transported_mass, mass);
  Kokkos::deep_copy(out.residual, residual);
  Kokkos::deep_copy(out.status, status);
}

template <class Batch, class ExecutionSpace>
void measure(const ExecutionSpace& space, const Batch& batch, const UnbalancedSettings& settings,
             const PotentialRows& rows, const UnbalancedFigures<ExecutionSpace>& out,
             bool sets_status) {
  const auto numbers =
      problem_numbers<ExecutionSpace>(batch, settings, out.mass_potential, figures::numbers);
  for_each_operator(space, batch, settings.epsilon, figures_use, numbers, [&](auto& group) {
    measure_group(group, as_constant(rows.f), as_constant(rows.g),
                  penalty_of(settings, Side::source), penalty_of(settings, Side::target));
  });
  find_figures(numbers, settings, out, sets_status);
}

/// Calls body(batch) once all fits.
template <class ExecutionSpace, class Body>
void with_batch(const ExecutionSpace& space, const SeparableCost& cost,
                const ProblemBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings,
                const Body& body) {
  check_unbalanced(settings);
  check_batch(space, cost, problems, settings.epsilon);
  with_operators(space, cost, problems, settings.epsilon, body);
}
template <class ExecutionSpace, class Body>
void with_batch(const ExecutionSpace&, const PointCloudCost<ExecutionSpace>& cost,
                const ProblemBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings,
                const Body& body) {
  check_unbalanced(settings);
  body(CloudForms<ExecutionSpace>{make_cloud_problems(cost, problems, settings.epsilon), {}});
}
template <class Batch>
void check_masses(const Batch& batch, const UnbalancedSettings& settings) {
  for (const ProblemScale& scale : scales_of(batch))
    check_mass_product(scale.source_mass, scale.target_mass, settings);
}

template <class Cost, class ExecutionSpace, class Body>
void with_solution(const ExecutionSpace& space, const Cost& cost,
                   const ProblemBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings,
                   const UnbalancedSolution<ExecutionSpace>& solution, const Body& body) {
  with_batch(space, cost, problems, settings, [&](const auto& batch) {
    if (batch.size() == 0) return;
    check_solution(solution, batch.size(), cost.n(), cost.m());
    check_masses(batch, settings);
    body(batch, PotentialRows{rows_of_matrix(solution.f), rows_of_matrix(solution.g)});
  });
}

template <class ExecutionSpace, class Body>
void with_solution(const CloudBatch<ExecutionSpace>& problems, const UnbalancedSettings& settings,
                   const CloudPotentials<ExecutionSpace>& potentials,
                   const UnbalancedFigures<ExecutionSpace>& figures, bool in_passes,
                   const Body& body) {
  check_unbalanced(settings);
  auto made = make_cloud_problems(problems, settings.epsilon);
  if (made.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto batch = in_passes ? CloudForms<ExecutionSpace>{std::move(made), {}}
                               : choose_forms(std::move(made), sources, targets);
  check_figures(figures, batch.size());
  check_masses(batch, settings);
  body(batch,
       PotentialRows{flat_rows("f", potentials.f, sources), flat_rows("g", potentials.g, targets)});
}

void check_self_transport(const UnbalancedSettings& settings) {
  if (settings.tau_a != settings.tau_b || settings.transported_share)
    throw std::invalid_argument("transport of a measure to itself needs tau_a = tau_b, no share");
}

template <class Batch, class ExecutionSpace>
void solve_self(const ExecutionSpace& space, const Batch& batch, const PotentialRows& rows,
                UnbalancedSettings settings, const UnbalancedFigures<ExecutionSpace>& out) {
  settings.from_solution = false;
  settings.observer = nullptr;
  ascend(space, batch, settings, rows, out, {}, [&](auto& group, AscentRun& run) {
    ascend_symmetrically(group, penalty_of(settings, Side::source), run);
  });
  measure(space, batch, settings, rows, out, true);
}

}  // namespace

template <class Cost, class ExecutionSpace>
void solve_unbalanced(const ExecutionSpace& space, const Cost& cost,
                      const ProblemBatch<ExecutionSpace>& problems,
                      const UnbalancedSettings& settings,
                      const UnbalancedSolution<ExecutionSpace>& solution) {
  with_solution(space, cost, problems, settings, solution,
                [&](const auto& batch, const PotentialRows& rows) {
                  if constexpr (std::is_same_v<Cost, SeparableCost>)
                    ascend_in_lanes(space, cost, problems, settings,
                                    stop_rule(settings, cost.range()), solution);
                  else
                    ascend(space, batch, settings, rows, solution);
                  measure(space, batch, settings, rows, solution, true);
                });
}

template <class ExecutionSpace>
void solve_unbalanced(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      const UnbalancedSettings& settings,
                      const CloudPotentials<ExecutionSpace>& potentials,
                      const UnbalancedFigures<ExecutionSpace>& figures,
                      const IterationWatch& watch) {
  with_solution(problems, settings, potentials, figures, static_cast<bool>(watch),
                [&](const auto& batch, const PotentialRows& rows) {
                  ascend(space, batch, settings, rows, figures, watch);
                  measure(space, batch, settings, rows, figures, true);
                });
}

template <class Cost, class ExecutionSpace>
void solve_self_transport(const ExecutionSpace& space, const Cost& cost,
                          const Measures<ExecutionSpace>& measures,
                          const Vector<const int, ExecutionSpace>& index,
                          const UnbalancedSettings& settings,
                          const UnbalancedSolution<ExecutionSpace>& solution) {
  check_self_transport(settings);
  check_symmetric(cost);
  const ProblemBatch<ExecutionSpace> problems{measures, measures, index, index};
  with_solution(space, cost, problems, settings, solution,
                [&](const auto& batch, const PotentialRows& rows) {
                  solve_self(space, batch, rows, settings, solution);
                });
}

template <class ExecutionSpace>
void solve_self_transport(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                          const UnbalancedSettings& settings,
                          const CloudPotentials<ExecutionSpace>& potentials,
                          const UnbalancedFigures<ExecutionSpace>& figures) {
  check_self_transport(settings);
  with_solution(problems, settings, potentials, figures, false,
                [&](const auto& batch, const PotentialRows& rows) {
                  solve_self(space, batch, rows, settings, figures);
                });
}

template <class Cost, class ExecutionSpace>
void certify_unbalanced(const ExecutionSpace& space, const Cost& cost,
                        const ProblemBatch<ExecutionSpace>& problems,
                        const UnbalancedSettings& settings,
                        const UnbalancedSolution<ExecutionSpace>& solution) {
  with_solution(space, cost, problems, settings, solution,
                [&](const auto& batch, const PotentialRows& rows) {
                  measure(space, batch, settings, rows, solution, false);
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
  with_solution(
      space, cost, problems, settings, solution, [&](const auto& batch, const PotentialRows& rows) {
        const auto numbers = problem_numbers<ExecutionSpace>(
            batch, settings, solution.mass_potential, figures::numbers);
        Kokkos::deep_copy(space, by_source, 0.0);
        Kokkos::deep_copy(space, by_target, 0.0);
        for_each_operator(space, batch, settings.epsilon, slope_use, numbers, [&](auto& group) {
          using Points = typename std::remove_reference_t<decltype(group)>::Points;
          const auto [source, target] =
              load_plan(group, as_constant(rows.f), as_constant(rows.g),
                        penalty_of(settings, Side::source), penalty_of(settings, Side::target));
          const auto differentiate = [&](const auto& plan, const auto& gradient) {
            differentiate_side<Points>(group, plan, plan.exponents);
            group.store_field(plan.side, plan.exponents, rows_of_matrix(gradient));
          };
          differentiate(source, by_source);
          differentiate(target, by_target);
        });
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
#define OTFLEET_INSTANTIATE(Space)                                                                \
  OTFLEET_INSTANTIATE_COST(Space, SeparableCost)                                                  \
  OTFLEET_INSTANTIATE_COST(Space, PointCloudCost<Space>)                                          \
  template void solve_unbalanced<Space>(const Space&, const CloudBatch<Space>&,                   \
                                        const UnbalancedSettings&, const CloudPotentials<Space>&, \
                                        const UnbalancedFigures<Space>&, const IterationWatch&);  \
  template void solve_self_transport<Space>(                                                      \
      const Space&, const CloudBatch<Space>&, const UnbalancedSettings&,                          \
      const CloudPotentials<Space>&, const UnbalancedFigures<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/solvers/unbalanced/dual_problem.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/number_text.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"
#include "kernels/solvers/unbalanced/problem_groups.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// masses(k) = mass(index(k)).
template <class ExecutionSpace>
Vector<double, ExecutionSpace> masses_of(const ExecutionSpace& space,
                                         const Measures<ExecutionSpace>& measures,
                                         const Vector<const int, ExecutionSpace>& index) {
  const Vector<double, ExecutionSpace> masses("otfleet::unbalanced::masses", index.extent(0));
  const Vector<const double, ExecutionSpace> mass = measures.mass;
  Kokkos::parallel_for(
      "otfleet::unbalanced::masses",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(index.extent(0))),
      KOKKOS_LAMBDA(int k) { masses(k) = mass(index(k)); });
  return masses;
}

template <class ExecutionSpace>
Vector<double, ExecutionSpace> smaller_masses(const ExecutionSpace& space,
                                              const Vector<double, ExecutionSpace>& left,
                                              const Vector<double, ExecutionSpace>& right,
                                              double share) {
  const int batch = static_cast<int>(left.extent(0));
  const Vector<double, ExecutionSpace> masses("otfleet::unbalanced::share_mass", batch);
  Kokkos::parallel_for(
      "otfleet::unbalanced::share_mass", Kokkos::RangePolicy<ExecutionSpace>(space, 0, batch),
      KOKKOS_LAMBDA(int k) { masses(k) = share * (left(k) < right(k) ? left(k) : right(k)); });
  return masses;
}

void check_share(double value, const std::string& name) {
  if (!(value > 0 && value <= 1))
    throw std::invalid_argument(name + " must be in (0, 1], not " + number_text(value));
}

}  // namespace

template <class ExecutionSpace>
UnbalancedSolution<ExecutionSpace>::UnbalancedSolution(int batch, int n, int m)
    : f("otfleet::unbalanced::f", batch, n),
      g("otfleet::unbalanced::g", batch, m),
      mass_potential("otfleet::unbalanced::mass_potential", batch),
      dual_value("otfleet::unbalanced::dual_value", batch),
      primal_value("otfleet::unbalanced::primal_value", batch),
      transport_cost("otfleet::unbalanced::transport_cost", batch),
      transported_mass("otfleet::unbalanced::transported_mass", batch),
      residual("otfleet::unbalanced::residual", batch),
      iterations("otfleet::unbalanced::iterations", batch),
      status("otfleet::unbalanced::status", batch) {}

template <class ExecutionSpace>
UnbalancedSolution<ExecutionSpace> UnbalancedSolution<ExecutionSpace>::rows(int first,
                                                                            int last) const {
  UnbalancedSolution some;
  some.f = rows_of(f, first, last);
  some.g = rows_of(g, first, last);
  some.mass_potential = rows_of(mass_potential, first, last);
  some.dual_value = rows_of(dual_value, first, last);
  some.primal_value = rows_of(primal_value, first, last);
  some.transport_cost = rows_of(transport_cost, first, last);
  some.transported_mass = rows_of(transported_mass, first, last);
  some.residual = rows_of(residual, first, last);
  some.iterations = rows_of(iterations, first, last);
  some.status = rows_of(status, first, last);
  return some;
}

void check_unbalanced(const UnbalancedSettings& settings) {
  check_share(settings.tau_a, "tau_a");
  check_share(settings.tau_b, "tau_b");
  if (settings.transported_share) {
    check_share(*settings.transported_share, "transported_share");
    if (settings.tau_a != 1 || settings.tau_b != 1)
      throw std::invalid_argument("a transported share goes with tau_a = tau_b = 1 only");
  }
  SinkhornSettings limits;
  limits.threshold = settings.threshold;
  limits.inner_iterations = settings.inner_iterations;
  limits.max_iterations = settings.max_iterations;
  check_settings(limits);
}

template <class ExecutionSpace>
DualProblem<ExecutionSpace> make_dual_problem(const ExecutionSpace& space,
                                              const ProblemBatch<ExecutionSpace>& problems,
                                              const UnbalancedSettings& settings,
                                              const UnbalancedSolution<ExecutionSpace>& solution) {
  const bool shares = settings.transported_share.has_value();
  const MarginalPenalty source_penalty{settings.tau_a, settings.epsilon, shares};
  const MarginalPenalty target_penalty{settings.tau_b, settings.epsilon, shares};
  DualProblem<ExecutionSpace> dual;
  dual.source = make_dual_side<ExecutionSpace>(space, problems.source, problems.source_index, {},
                                               source_penalty, solution.f);
  Vector<const double, ExecutionSpace> target_mass;
  if (is_balanced(settings))
    target_mass = masses_of<ExecutionSpace>(space, problems.source, problems.source_index);
  dual.target = make_dual_side<ExecutionSpace>(space, problems.target, problems.target_index,
                                               target_mass, target_penalty, solution.g);
  if (shares)
    dual.share_mass = smaller_masses<ExecutionSpace>(space, dual.source.mass, dual.target.mass,
                                                     *settings.transported_share);
  return dual;
}

template <class ExecutionSpace>
void check_masses(const ProblemBatch<ExecutionSpace>& problems,
                  const UnbalancedSettings& settings) {
  const auto on_host = [](const auto& values) {
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  };
  const auto a = on_host(problems.source.mass), b = on_host(problems.target.mass);
  const auto from = on_host(problems.source_index), to = on_host(problems.target_index);
  for (std::size_t k = 0; k < from.extent(0); ++k) {
    const double source = a(from(k)), target = is_balanced(settings) ? source : b(to(k));
    if (!std::isfinite(source * target))
      throw std::invalid_argument(
          "the product of the masses of an unbalanced problem, which its objective contains, is "
          "beyond 1e308: divide all weights by a number");
  }
}

template <class ExecutionSpace>
void check_solution(const UnbalancedSolution<ExecutionSpace>& solution, int batch, int n, int m) {
  check_rows("f", solution.f, batch, n);
  check_rows("g", solution.g, batch, m);
  // Named: nvcc loses the braces of a list that a loop in a template runs over.
  const Vector<double, ExecutionSpace> figures[] = {
      solution.mass_potential, solution.dual_value,       solution.primal_value,
      solution.transport_cost, solution.transported_mass, solution.residual};
  for (const auto& numbers : figures)
    if (numbers.extent(0) != static_cast<std::size_t>(batch))
      throw std::invalid_argument("a solution does not have one entry for each of the " +
                                  std::to_string(batch) + " problems");
  check_outputs<Vector<int, ExecutionSpace>, Matrix<double, ExecutionSpace>>(
      batch, solution.iterations, solution.status, {}, {});
}

#define OTFLEET_INSTANTIATE(Space)                                                               \
  template void check_solution<Space>(const UnbalancedSolution<Space>&, int, int, int);          \
  template void check_masses<Space>(const ProblemBatch<Space>&, const UnbalancedSettings&);      \
  template struct UnbalancedSolution<Space>;                                                     \
  template DualProblem<Space> make_dual_problem<Space>(const Space&, const ProblemBatch<Space>&, \
                                                       const UnbalancedSettings&,                \
                                                       const UnbalancedSolution<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/solvers/unbalanced/checks.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/number_text.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

void check_share(double value, const std::string& name) {
  if (!(value > 0 && value <= 1))
    throw std::invalid_argument(name + " must be in (0, 1], not " + number_text(value));
}

}  // namespace

template <class ExecutionSpace>
UnbalancedFigures<ExecutionSpace>::UnbalancedFigures(int batch)
    : mass_potential("otfleet::unbalanced::mass_potential", batch),
      dual_value("otfleet::unbalanced::dual_value", batch),
      primal_value("otfleet::unbalanced::primal_value", batch),
      transport_cost("otfleet::unbalanced::transport_cost", batch),
      transported_mass("otfleet::unbalanced::transported_mass", batch),
      residual("otfleet::unbalanced::residual", batch),
      iterations("otfleet::unbalanced::iterations", batch),
      status("otfleet::unbalanced::status", batch) {}

template <class ExecutionSpace>
UnbalancedSolution<ExecutionSpace>::UnbalancedSolution(int batch, int n, int m)
    : UnbalancedFigures<ExecutionSpace>(batch),
      f("otfleet::unbalanced::f", batch, n),
      g("otfleet::unbalanced::g", batch, m) {}

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

void check_mass_product(double source, double target, const UnbalancedSettings& settings) {
  if (is_balanced(settings)) target = source;
  if (!std::isfinite(source * target))
    throw std::invalid_argument(
        "the product of the masses of an unbalanced problem, which its objective contains, is "
        "beyond 1e308: divide all weights by a number");
}

template <class ExecutionSpace>
void check_figures(const UnbalancedFigures<ExecutionSpace>& figures, int batch) {
  // Named: nvcc loses the braces of a list that a loop in a template runs over.
  const Vector<double, ExecutionSpace> numbers_of[] = {
      figures.mass_potential, figures.dual_value,       figures.primal_value,
      figures.transport_cost, figures.transported_mass, figures.residual};
  for (const auto& numbers : numbers_of)
    if (numbers.extent(0) != static_cast<std::size_t>(batch))
      throw std::invalid_argument("a solution does not have one entry for each of the " +
                                  std::to_string(batch) + " problems");
  check_outputs<Vector<int, ExecutionSpace>, Matrix<double, ExecutionSpace>>(
      batch, figures.iterations, figures.status, {}, {});
}

template <class ExecutionSpace>
void check_solution(const UnbalancedSolution<ExecutionSpace>& solution, int batch, int n, int m) {
  check_rows("f", solution.f, batch, n);
  check_rows("g", solution.g, batch, m);
  check_figures<ExecutionSpace>(solution, batch);
}

#define OTFLEET_INSTANTIATE(Space)                                          \
  template struct UnbalancedFigures<Space>;                                 \
  template struct UnbalancedSolution<Space>;                                \
  template void check_figures<Space>(const UnbalancedFigures<Space>&, int); \
  template void check_solution<Space>(const UnbalancedSolution<Space>&, int, int, int);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "src/families/neural_dual/conjugate_solver.hpp"

#include <string>
#include <utility>

namespace otfleet {
kernels::LbfgsSettings lbfgs_settings(const ConjugateOptions& job) {
  kernels::LbfgsSettings settings;
  settings.memory = static_cast<int>(job.memory);
  settings.max_steps = job.solver == ConjugateMethod::none ? 0 : static_cast<int>(job.max_steps);
  settings.gradient_tolerance = job.tolerance;
  settings.line_search = job.line_search == LineSearch::wolfe ? kernels::LineSearch::wolfe
                                                              : kernels::LineSearch::armijo;
  return settings;
}

template <class Scalar>
kernels::ConjugateMinimizer<Scalar> make_conjugate_minimizer(
    const ConjugateOptions& job, int points, int dimension,
    const std::optional<kernels::LeastActionCost>& cost) {
  if (cost) return {*cost, lbfgs_settings(job), points, dimension};
  if (job.solver != ConjugateMethod::adam) return {lbfgs_settings(job), points, dimension};
  kernels::AdamDescentSettings settings;
  settings.max_steps = static_cast<int>(job.max_steps);
  settings.gradient_tolerance = job.tolerance;
  settings.learning_rate = job.learning_rate;
  return {settings, points, dimension};
}

template kernels::ConjugateMinimizer<float> make_conjugate_minimizer(
    const ConjugateOptions&, int, int, const std::optional<kernels::LeastActionCost>&);
template kernels::ConjugateMinimizer<double> make_conjugate_minimizer(
    const ConjugateOptions&, int, int, const std::optional<kernels::LeastActionCost>&);

const char* conjugate_status_name(kernels::ConjugateStatus status) {
  using kernels::ConjugateStatus;
  switch (status) {
    case ConjugateStatus::converged:
      return "converged";
    case ConjugateStatus::step_limit:
      return "step limit";
    case ConjugateStatus::stalled:
      return "stalled";
    case ConjugateStatus::unbounded:
      return "unbounded";
    case ConjugateStatus::not_finite:
      return "not finite";
  }
  return "unknown";
}

void add_conjugate_statuses(SolutionLayout& layout) {
  for (int k = 0; k < 5; ++k)
    layout.attributes.push_back(
        {"/solution", "status_" + std::to_string(k),
         std::string(conjugate_status_name(static_cast<kernels::ConjugateStatus>(k)))});
}

void add_map_attributes(const Job& job, SolutionLayout& layout) {
  const auto set = [&](const std::string& name, auto value) {
    layout.attributes.push_back({"/solution", name, std::move(value)});
  };
  set("direction", word_of(job.map.direction));
  set("solver", word_of(job.conjugate.solver));
  set("tolerance", job.conjugate.tolerance);
  set("precision", word_of(job.conjugate.precision));
  add_conjugate_statuses(layout);
}

}  // namespace otfleet

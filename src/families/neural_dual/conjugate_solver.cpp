#include "src/families/neural_dual/conjugate_solver.hpp"

namespace otfleet {
namespace {

template <class Scalar>
using Method = std::variant<kernels::Lbfgs<ExecutionSpace, Scalar>,
                            kernels::AdamDescent<ExecutionSpace, Scalar>>;

template <class Scalar>
Method<Scalar> make_method(const ConjugateOptions& job, int points, int dimension) {
  if (job.solver == ConjugateMethod::adam) {
    kernels::AdamDescentSettings settings;
    settings.max_steps = static_cast<int>(job.max_steps);
    settings.gradient_tolerance = job.tolerance;
    settings.learning_rate = job.learning_rate;
    return kernels::AdamDescent<ExecutionSpace, Scalar>(settings, points, dimension);
  }
  return kernels::Lbfgs<ExecutionSpace, Scalar>(lbfgs_settings(job), points, dimension);
}

}  // namespace

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
ConjugateSolver<Scalar>::ConjugateSolver(const ConjugateOptions& settings, int points,
                                         int dimension)
    : method_(make_method<Scalar>(settings, points, dimension)) {}

template <class Scalar>
void ConjugateSolver<Scalar>::minimize(kernels::PotentialOracle<ExecutionSpace, Scalar>& oracle,
                                       const Matrix<const Scalar, ExecutionSpace>& y,
                                       const Matrix<Scalar, ExecutionSpace>& x,
                                       const kernels::Conjugates<ExecutionSpace, Scalar>& result) {
  std::visit([&](auto& method) { method.minimize(ExecutionSpace(), oracle, y, x, result); },
             method_);
}

template class ConjugateSolver<float>;
template class ConjugateSolver<double>;

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

}  // namespace otfleet

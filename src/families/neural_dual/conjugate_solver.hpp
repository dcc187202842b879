#pragma once
#include <variant>

#include "kernels/minimize/conjugate.hpp"
#include "src/execution.hpp"
#include "src/job.hpp"

namespace otfleet {

/// Finds minimizers of f(x) − <x, y> by the solver that a job names; "none" looks at the starts
/// alone. Memory for up to `points` points is taken once.
template <class Scalar>
class ConjugateSolver {
 public:
  ConjugateSolver(const ConjugateOptions& settings, int points, int dimension);

  /// As kernels::Lbfgs::minimize(). Local.
  void minimize(kernels::PotentialOracle<ExecutionSpace, Scalar>& oracle,
                const Matrix<const Scalar, ExecutionSpace>& y,
                const Matrix<Scalar, ExecutionSpace>& x,
                const kernels::Conjugates<ExecutionSpace, Scalar>& result);

 private:
  std::variant<kernels::Lbfgs<ExecutionSpace, Scalar>, kernels::AdamDescent<ExecutionSpace, Scalar>>
      method_;
};

/// What a job says of L-BFGS; solver "none": no step.
kernels::LbfgsSettings lbfgs_settings(const ConjugateOptions& job);

/// "converged", "step limit" and so on.
const char* conjugate_status_name(kernels::ConjugateStatus status);

}  // namespace otfleet

#pragma once
#include <cstdint>
#include <vector>

#include "kernels/sinkhorn/certificate.hpp"
#include "src/execution.hpp"
#include "src/solvers/batch_solver.hpp"
#include "src/solvers/plan_outputs.hpp"

namespace otfleet {

/// Figures of one rank's instances, in the population's order; potentials [count, n] and [count,
/// m], or one problem after the other where each has its own points, and what is made from plans
/// only when asked for. Units: dual_value to lower_bound in the cost's units times mass.
struct Solutions {
  std::vector<double> f, g;
  std::vector<double> dual_value, transport_cost, upper_bound, lower_bound, marginal_error;
  /// Of problems that are not balanced, instead of the bounds and the marginal error; what they are
  /// says kernels/unbalanced/unbalanced.hpp.
  std::vector<double> primal_value, transported_mass, mass_potential, residual;
  std::vector<std::int32_t> iterations, status;  ///< status: kernels::Status
  PlanOutputs plan;                              ///< what was asked for
  SolveCounts counts;

  /// Appends the figures of balanced problems.
  void add(const kernels::Certificates<ExecutionSpace>& certificates,
           const Vector<int, ExecutionSpace>& more_iterations,
           const Vector<int, ExecutionSpace>& more_status);
  /// The same, of other solutions.
  void add_figures(const Solutions& more);
  /// A solution whose recomputed error is not below the threshold although the solver stopped there
  /// gets Status::precision_limit.
  void judge(double threshold);
};

/// Wall seconds of this rank.
struct SolveSeconds {
  double start = 0;    ///< initializer or prediction
  double iterate = 0;  ///< Sinkhorn, Newton
  double certify = 0;
  double plan = 0;  ///< entries of plans, projections
};

}  // namespace otfleet

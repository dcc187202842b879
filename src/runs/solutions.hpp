#pragma once
#include <cstdint>
#include <vector>

#include "kernels/outputs/certificate.hpp"
#include "src/execution.hpp"
#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/plan_outputs.hpp"
#include "src/job.hpp"

namespace otfleet {

/// What solutions of a job hold, problem by problem.
struct SolutionContents {
  enum class Kind {
    balanced,
    unbalanced,
    mapped_points,  ///< a "problem" is a point that goes through a trained map
  };
  Kind kind = Kind::balanced;
  Job::Solution wanted;

  SolutionContents() = default;
  explicit SolutionContents(const Job& job);
};

/// Figures of one rank's instances, in the population's order; potentials [count, n] and [count,
/// m], or one problem after the other where each has its own points, and what is made from plans
/// only when asked for. Units: dual_value to lower_bound in the cost's units times mass,
/// marginal_error and residual a share of the mass.
struct Solutions {
  std::vector<double> f, g;
  std::vector<double> dual_value, transport_cost, upper_bound, lower_bound, marginal_error;
  /// Of problems that are not balanced, instead of the bounds and the marginal error; what they are
  /// says kernels/solvers/unbalanced/unbalanced.hpp.
  std::vector<double> primal_value, transported_mass, mass_potential, residual;
  std::vector<double> divergence, regularized_ott, regularized_geomloss;  ///< see DerivedValues
  /// Of mapped points, with dual_value for f*(y) and residual; see MappedPoints. image: [count, D].
  std::vector<double> image, round_trip;
  std::vector<std::int32_t> iterations, status;  ///< status: kernels::Status
  PlanOutputs plan;                              ///< what was asked for
  SolveCounts counts;

  /// Appends the figures of balanced problems.
  void add(const kernels::Certificates<ExecutionSpace>& certificates,
           const Vector<int, ExecutionSpace>& more_iterations,
           const Vector<int, ExecutionSpace>& more_status);
  /// Forgets the figures of balanced problems.
  void clear_figures();
  /// Gives every balanced problem the status that kernels::final_status() finds. Potentials, where
  /// they are kept, begin at these offsets; without offsets all problems have as many.
  void set_status(double threshold, const std::vector<std::int64_t>& source_offsets = {},
                  const std::vector<std::int64_t>& target_offsets = {});
};

/// What the entries of an array of Solutions stand for, and of how many a problem has.
enum class SolutionRows { problems, source_points, target_points, plan_entries };

/// Calls body(name, rows, array) for every array that solutions of a job have: its name in files
/// ("/solution/f"), what its entries stand for, and a function from Solutions to the array.
template <class Body>
void for_each_solution_array(const SolutionContents& contents, Body&& body) {
  using Kind = SolutionContents::Kind;
  const Job::Solution& wanted = contents.wanted;
  const auto one = [&](const char* name, SolutionRows rows, auto member) {
    body(
        name, rows, [member](auto& solutions) -> auto& { return solutions.*member; });
  };
  if (wanted.potentials) {
    one("/solution/f", SolutionRows::source_points, &Solutions::f);
    one("/solution/g", SolutionRows::target_points, &Solutions::g);
  }
  switch (contents.kind) {
    case Kind::balanced:
      one("/solution/dual_value", SolutionRows::problems, &Solutions::dual_value);
      one("/solution/transport_cost", SolutionRows::problems, &Solutions::transport_cost);
      one("/solution/upper_bound", SolutionRows::problems, &Solutions::upper_bound);
      one("/solution/lower_bound", SolutionRows::problems, &Solutions::lower_bound);
      one("/solution/marginal_error", SolutionRows::problems, &Solutions::marginal_error);
      break;
    case Kind::unbalanced:
      one("/solution/dual_value", SolutionRows::problems, &Solutions::dual_value);
      one("/solution/transport_cost", SolutionRows::problems, &Solutions::transport_cost);
      one("/solution/primal_value", SolutionRows::problems, &Solutions::primal_value);
      one("/solution/transported_mass", SolutionRows::problems, &Solutions::transported_mass);
      one("/solution/mass_potential", SolutionRows::problems, &Solutions::mass_potential);
      one("/solution/residual", SolutionRows::problems, &Solutions::residual);
      break;
    case Kind::mapped_points:
      one("/solution/image", SolutionRows::source_points, &Solutions::image);
      one("/solution/value", SolutionRows::problems, &Solutions::dual_value);
      one("/solution/residual", SolutionRows::problems, &Solutions::residual);
      one("/solution/round_trip", SolutionRows::problems, &Solutions::round_trip);
      break;
  }
  if (wanted.divergence)
    one("/solution/divergence", SolutionRows::problems, &Solutions::divergence);
  if (wanted.has_value(ValueConvention::ott))
    one("/solution/regularized_ott", SolutionRows::problems, &Solutions::regularized_ott);
  if (wanted.has_value(ValueConvention::geomloss))
    one("/solution/regularized_geomloss", SolutionRows::problems, &Solutions::regularized_geomloss);
  one("/solution/iterations", SolutionRows::problems, &Solutions::iterations);
  one("/solution/status", SolutionRows::problems, &Solutions::status);
  const auto of_plan = [&](const char* name, SolutionRows rows, auto member) {
    body(
        name, rows, [member](auto& solutions) -> auto& { return solutions.plan.*member; });
  };
  if (wanted.projection)
    of_plan("/solution/projection", SolutionRows::source_points, &PlanOutputs::projection);
  if (!wants_entries(wanted)) return;
  const auto of_entries = [&](const char* name, SolutionRows rows, auto member) {
    body(
        name, rows, [member](auto& solutions) -> auto& { return solutions.plan.entries.*member; });
  };
  of_entries("/plan/offsets", SolutionRows::problems, &PlanEntries::offsets);
  of_entries("/plan/kept_mass", SolutionRows::problems, &PlanEntries::kept_mass);
  of_entries("/plan/columns", SolutionRows::plan_entries, &PlanEntries::columns);
  of_entries("/plan/values", SolutionRows::plan_entries, &PlanEntries::values);
}

/// Wall seconds of this rank.
struct SolveSeconds {
  double start = 0;    ///< initializer or prediction
  double iterate = 0;  ///< Sinkhorn, Newton
  double certify = 0;
  double plan = 0;  ///< entries of plans, projections
};

}  // namespace otfleet

#pragma once
#include <cstdint>
#include <vector>

#include "kernels/api/outputs.hpp"
#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/plan_outputs.hpp"
#include "src/job.hpp"
#include "src/populations/population_view.hpp"
#include "src/runs/solution_columns.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Figures of one rank's instances, in the population's order; potentials [count, n] and [count,
/// m], or one problem after the other where each has its own points, and what is made from plans
/// only when asked for. Units: dual_value to lower_bound in the cost's units times mass,
/// marginal_error and residual a share of the mass.
struct Solutions {
  std::vector<double> f, g;
  std::vector<double> dual_value, transport_cost, upper_bound, lower_bound, marginal_error;
  std::vector<double> left_out;  ///< of problems whose measures have points of their own
  /// Of problems that are not balanced, instead of the bounds and the marginal error; what they are
  /// says kernels/solvers/unbalanced/unbalanced.hpp.
  std::vector<double> primal_value, transported_mass, mass_potential, residual;
  std::vector<double> divergence, regularized_ott, regularized_geomloss;  ///< see DerivedValues
  std::vector<std::int32_t> iterations, status;  ///< status: kernels::Status
  PlanOutputs plan;                              ///< what was asked for
  SolveCounts counts;

  /// Appends what is known of solved balanced problems: certificates, which leave out at most that
  /// share of the mass, and what is wanted of their potentials and plans. Status is the solver's,
  /// see set_status(). Adds to `seconds`. Local, but for problems that are distributed.
  void add(const Batch& batch, double epsilon, const SolutionOptions& wanted, SolveSeconds& seconds,
           double most_left_out);
  /// The same for problems that are not balanced, whose figures the solver has found.
  void add(const kernels::UnbalancedResult& result, const SolutionOptions& wanted,
           const std::vector<std::int32_t>& more_iterations,
           const std::vector<std::int32_t>& more_status);
  /// Gives every balanced problem the status that kernels::final_status() finds. Potentials, where
  /// they are kept, begin at these offsets; without offsets all problems have as many.
  void set_status(double threshold, const std::vector<std::int64_t>& source_offsets = {},
                  const std::vector<std::int64_t>& target_offsets = {});
};

/// The solution of a population in a file: its layout, and how Solutions become its columns.
/// Columns of problems that are balanced:
///   f [P, n], g [P, m]   cost units; −inf where a weight is zero (only if asked for)
///   dual_value, transport_cost, upper_bound, lower_bound   cost units times mass
///   marginal_error       L1, share of the mass;  iterations, status
///   left_out             share of the mass (only where every measure has points of its own)
///   projection [P, n, d] coordinates of the target's points; NaN where a weight is zero (only if
///                        asked for)
///   divergence, regularized_ott, regularized_geomloss   cost units times mass (only if asked for);
///                        see DerivedValues
/// and of others, instead of the bounds and the marginal error:
///   primal_value         cost units times mass;  mass_potential   cost units
///   transported_mass     mass;  residual   share of the transported mass
/// Where every problem has points of its own, potentials and projections are flat, and what belongs
/// to problem k begins at f_offsets[k] and g_offsets[k]. If entries of the plans are asked for,
/// /plan has the attributes rule (top_k or threshold) and its value; row i of problem k has the
/// entries offsets[k, i] up to before offsets[k, i + 1]:
///   offsets [P, n + 1];  kept_mass [P]   share of the plan's mass
///     (points of every measure's own: flat, and row i of problem k is row_offsets[k] + i)
///   columns, values [entries]   target points ascending; mass
/// Attributes of /solution: epsilon, tau_a, tau_b, transported_share, threshold, normalize (1: of
/// measures scaled to mass 1), initializer, precision, population (file name), geometry
/// (fingerprint), status_0 … status_3 (what each status means).
class LinearSchema {
 public:
  /// `population_name`: the file's.
  LinearSchema(const Job& job, const PopulationView& population,
               const std::string& population_name);

  const SolutionLayout& layout() const { return layout_; }
  SolutionTable table(Solutions solutions) const;

 private:
  SolutionLayout layout_;
  SolutionColumns<Solutions> columns_;
};

/// What solutions of problems depend on, as text; `content` says which problems and which model.
std::string linear_identity(const Job& job, const std::string& content);

}  // namespace otfleet

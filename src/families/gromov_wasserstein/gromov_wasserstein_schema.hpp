#pragma once
#include <string>
#include <vector>

#include "src/families/gromov_wasserstein/shape_problems.hpp"
#include "src/families/linear/plan_outputs.hpp"
#include "src/job.hpp"
#include "src/runs/solution_columns.hpp"

namespace otfleet {

/// Figures of one rank's problems, in the population's order; see
/// kernels::GromovWassersteinResults. Costs are those of the measures' masses.
struct GromovWassersteinSolutions {
  std::vector<double> transport_cost, upper_bound, lower_bound, regularized_value;
  std::vector<double> marginal_error, residual;
  std::vector<std::int32_t> start, inner_iterations, iterations, status;
  PlanOutputs plan;
};

/// The solution of a population of Gromov–Wasserstein problems in a file. Columns:
///   transport_cost      cost² * mass²; of a feasible plan, 0 or more: alpha times the distortion
///                       sum (D_ik − E_jl)² P_ij P_kl, and (1 − alpha) times the mass times the
///                       squared distances between features
///   upper_bound, lower_bound   cost² * mass²; the optimum without epsilon is between these
///   regularized_value   cost² * mass²; transport_cost + epsilon KL(P | a ⊗ b), for masses of 1
///   marginal_error      share of the mass;  residual   share of the mass that the last outer
///                       iteration moved
///   iterations          outer ones, each a new linear cost;  inner_iterations   Sinkhorn's
///   start               which start the plan comes from;  status
///   projection [source points, d], and /plan, as those of linear problems (only if asked for)
class GromovWassersteinSchema {
 public:
  /// `population_name`: the file's.
  GromovWassersteinSchema(const Job& job, const ShapeProblems& population,
                          const std::string& population_name);

  const SolutionLayout& layout() const { return layout_; }
  SolutionTable table(GromovWassersteinSolutions solutions) const;

 private:
  SolutionLayout layout_;
  SolutionColumns<GromovWassersteinSolutions> columns_;
};

/// What solutions depend on. `content`: the population's content_fingerprint().
std::string gromov_wasserstein_identity(const Job& job, const std::string& content);

}  // namespace otfleet

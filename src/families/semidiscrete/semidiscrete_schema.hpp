#pragma once
#include <string>
#include <vector>

#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/runs/solution_columns.hpp"

namespace otfleet {

/// Figures of one rank's problems, in the population's order; see kernels::SemidiscreteResult.
/// Costs are those of the measures' masses.
struct SemidiscreteSolutions {
  std::vector<double> transport_cost, transport_error, dual_value, upper_bound, lower_bound,
      bound_failure;
  std::vector<double> marginal_error, marginal_lower, marginal_upper;
  std::vector<std::int64_t> samples;
  std::vector<std::int32_t> iterations, status;
  std::vector<double> potential;          ///< of all target points
  std::vector<std::int32_t> assignments;  ///< [P, A]
  std::vector<double> noise;              ///< [P, A, d] or empty
};

/// The solution of a population of semidiscrete problems in a file. Columns:
///   transport_cost, transport_error     cost * mass; of the plan over samples, its standard error
///   dual_value                          cost * mass; of the potentials, over samples
///   upper_bound, lower_bound            cost * mass; the optimum is between these
///   marginal_error                      share of the mass; an estimate of what follows, or more
///   marginal_lower, marginal_upper      the L1 error of the points' shares is between these
///   bound_failure                       the probability that any of them does not hold
///   samples                             that judged the solution;  iterations;  status
///   g [target points]                   cost; a sample x goes where |x − y|² − g is least
///                                       (unless solution.potentials = false)
///   assignment [P, A], noise [P, A, d]  where samples go, and these (only if asked for)
class SemidiscreteSchema {
 public:
  /// `population_name`: the file's.
  SemidiscreteSchema(const Job& job, const CloudPopulation& population,
                     const std::string& population_name);

  const SolutionLayout& layout() const { return layout_; }
  SolutionTable table(SemidiscreteSolutions solutions) const;

 private:
  SolutionLayout layout_;
  SolutionColumns<SemidiscreteSolutions> columns_;
};

/// What solutions depend on. `content`: the population's content_fingerprint().
std::string semidiscrete_identity(const Job& job, const std::string& content);

}  // namespace otfleet

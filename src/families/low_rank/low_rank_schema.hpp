#pragma once
#include <string>
#include <vector>

#include "src/families/linear/plan_outputs.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/runs/solution_columns.hpp"

namespace otfleet {

/// Figures of one rank's problems, in the population's order; see kernels::LowRankResult. Costs are
/// those of the measures' masses.
struct LowRankSolutions {
  std::vector<double> transport_cost, upper_bound, lower_bound, bound_failure, marginal_error,
      residual, divergence;
  std::vector<std::int32_t> clusters, iterations, status;
  std::vector<double> masses, source_centers, target_centers;  ///< [P, r], [P, r, d]
  std::vector<double> source_slopes, target_slopes, source_offsets, target_offsets;
  std::vector<double> source_squares, target_squares;  ///< where shapes are matched
  PlanOutputs plan;
};

/// The solution of a population of low-rank problems in a file. The plan of a problem is
/// Q diag(1/g) R' with factors Q over the source's and R over the target's points, and g the masses
/// of clusters. Columns:
///   transport_cost             cost * mass; of the plan, which is feasible
///   upper_bound, lower_bound   cost * mass; the optimum of any rank is between these;
///   bound_failure              the probability that lower_bound is too large; 0: it cannot be
///   divergence                 cost * mass; less half of what both measures cost to themselves by
///                              plans of that rank (only if asked for)
///   marginal_error             share of the mass by which both factors' clusters differed before
///                              the plan was made feasible;  residual;  iterations;  status
///   clusters                   that have mass, at most the rank r
///   cluster_mass [P, r]        mass;  source_center, target_center [P, r, d]   of the clusters
///   source_slope [P, r, d], source_offset [P, r]   Q_ik is proportional over k to exp(offset_k +
///                              <slope_k, x_i>), and a_i in all; the target's likewise
/// With low_rank.objective = 'gromov_wasserstein' costs are cost² * mass², the exponent has
/// source_square [P, r] times |x_i|² besides, and so for the target.
///   projection [source points, d]   as that of linear problems (only if asked for)
class LowRankSchema {
 public:
  /// `population_name`: the file's.
  LowRankSchema(const Job& job, const CloudPopulation& population,
                const std::string& population_name);

  const SolutionLayout& layout() const { return layout_; }
  SolutionTable table(LowRankSolutions solutions) const;

 private:
  SolutionLayout layout_;
  SolutionColumns<LowRankSolutions> columns_;
};

/// What solutions depend on. `content`: the population's content_fingerprint().
std::string low_rank_identity(const Job& job, const std::string& content);

}  // namespace otfleet

#pragma once
#include <string>

#include "src/families/barycenter/free_support_population.hpp"
#include "src/families/barycenter/free_support_solver.hpp"
#include "src/job.hpp"
#include "src/runs/solution_columns.hpp"

namespace otfleet {

/// The solution of a population of barycenters with free support in a file. Columns:
///   points [P, n, d]    coordinates of the barycenters' points
///   weights [P, n]      their mass
///   f [N, n]            cost units; potentials on the barycenter's side, a row a measure of a
///                       problem, the first of problem k at measure_offsets[k] (only if asked for)
///   dual_value, transport_cost, upper_bound, lower_bound   cost units times mass; weighted sums of
///                       those of the transports from the measures
///   marginal_error      share of the mass, the largest of these transports
///   residual            share of the measures' spread;  moves, iterations, status
/// Attributes of /solution as BarycenterSchema has them, and point_threshold.
class FreeSupportSchema {
 public:
  /// `population_name`: the file's.
  FreeSupportSchema(const Job& job, const FreeSupportPopulation& population,
                    const std::string& population_name);

  const SolutionLayout& layout() const { return layout_; }
  SolutionTable table(FreeSupportBarycenters barycenters) const;

 private:
  SolutionLayout layout_;
  SolutionColumns<FreeSupportBarycenters> columns_;
};

}  // namespace otfleet

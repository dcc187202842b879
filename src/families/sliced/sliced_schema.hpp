#pragma once
#include <string>

#include "kernels/api/sliced.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/runs/solution_columns.hpp"

namespace otfleet {

/// The solution of a population of sliced problems in a file. Columns:
///   sliced             cost * mass; mean over random directions of transport of the projections
///   sliced_error       cost * mass; standard error of that mean
///   max_sliced         cost * mass; along `direction`, so that no linear transport costs less
///   upper_bound        cost * mass; what no direction exceeds
///   direction [P, d]   of length 1
///   residual           slope that is left on the sphere, a share of max_sliced; on an edge the
///   angle, in
///                      radians, at which no step succeeds;  iterations, of all starts;  status
class SlicedSchema {
 public:
  /// `population_name`: the file's.
  SlicedSchema(const Job& job, const CloudPopulation& population,
               const std::string& population_name);

  const SolutionLayout& layout() const { return layout_; }
  SolutionTable table(kernels::SlicedResults results) const;

 private:
  SolutionLayout layout_;
  SolutionColumns<kernels::SlicedResults> columns_;
};

/// What solutions depend on. `content`: the population's content_fingerprint().
std::string sliced_identity(const Job& job, const std::string& content);

}  // namespace otfleet

#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "src/execution.hpp"
#include "src/families/linear/derived_values.hpp"
#include "src/families/linear/solutions.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"

namespace otfleet {

/// Solves problems of a population in which every measure has points of its own, from zeros, by
/// Sinkhorn's iteration, with a certificate for each. Local: every rank has its own, for its shard.
class CloudPopulationSolver {
 public:
  /// Keeps references into `population`. Throws UserError for points that the cost cannot take.
  CloudPopulationSolver(const CloudPopulation& population, double epsilon);

  /// Solves the problems of `rows`; potentials and projections lie one problem after the other.
  /// Adds to `seconds`. With `control`, goes on from what that has, and throws Interrupted where it
  /// ends it.
  Solutions solve(distributed::Shard rows, const SolverOptions& settings,
                  const SolutionOptions& wanted, SolveSeconds& seconds,
                  SolveControl* control = nullptr) const;

  /// About how much work the problems of `rows` are, in pairs of points.
  double work(distributed::Shard rows) const;

  /// Bytes that potentials and projections of one problem take at most.
  std::int64_t most_bytes(const SolutionOptions& wanted) const;

 private:
  const CloudPopulation& population_;
  double epsilon_;
  kernels::CloudMeasures<ExecutionSpace> source_, target_;
  Matrix<const double, ExecutionSpace> target_points_;  ///< the user's
  std::vector<double> work_before_;                     ///< [P + 1], of a problem
  mutable std::optional<DerivedValues> derived_;        ///< once a solution wants them
};

}  // namespace otfleet

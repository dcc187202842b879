#pragma once
#include <cstdint>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/clouds/cloud_batch.hpp"
#include "src/config/job.hpp"
#include "src/execution.hpp"
#include "src/problems/cloud_population.hpp"
#include "src/solvers/solutions.hpp"

namespace otfleet {

/// Solves problems of a population in which every measure has points of its own, from zeros, by
/// Sinkhorn's iteration, with a certificate for each. Local: every rank has its own, for its shard.
class CloudPopulationSolver {
 public:
  /// Keeps references into `population`. Throws UserError for points that the cost cannot take.
  CloudPopulationSolver(const CloudPopulation& population, double epsilon);

  /// Solves the problems of `rows`; potentials and projections lie one problem after the other.
  /// Adds to `seconds`.
  Solutions solve(distributed::Shard rows, const Job::Solver& settings, const Job::Solution& wanted,
                  SolveSeconds& seconds) const;

  /// The problems of this rank: contiguous, with about as much work as every other rank has.
  distributed::Shard shard(int rank, int ranks) const;

  /// `shard` in pieces whose potentials and projections take about as many bytes as are given, or
  /// one problem.
  std::vector<distributed::Shard> blocks(distributed::Shard shard, const Job::Solution& wanted,
                                         std::int64_t bytes) const;

 private:
  const CloudPopulation& population_;
  double epsilon_;
  kernels::CloudMeasures<ExecutionSpace> source_, target_;
  Matrix<const double, ExecutionSpace> target_points_;  ///< the user's
};

}  // namespace otfleet

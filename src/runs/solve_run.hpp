#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "distributed/shard.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/problem_set.hpp"

namespace otfleet {

/// What solving problems took; seconds by the wall, of the slowest rank unless said otherwise.
struct SolveRun {
  std::int64_t wanted = 0, solved_before = 0;  ///< problems, and those that earlier runs had solved
  double seconds = 0;                          ///< all of it
  double setup_seconds = 0;                    ///< before the first problem: who begins with what
  double write_seconds = 0;                    ///< solution.h5
  SolveSeconds parts;
  double busy_seconds = 0;          ///< in which ranks solved or saved, on average
  double longest_busy_seconds = 0;  ///< the same of the busiest rank
  std::int64_t taken_over = 0;      ///< problems, or sequences, that a rank took over from another
  SolveTally tally;                 ///< for a share of the population, of what this run solved

  /// From the seconds and counts of each rank to those of all; busy_seconds alone says how long a
  /// rank was busy. Collective.
  void reduce(const distributed::Communicator& communicator);

  std::int64_t solved() const { return wanted - solved_before; }
  double per_second() const { return static_cast<double>(solved()) / seconds; }
  /// Share of the busiest rank's time for which the others wait, on average.
  double imbalance() const {
    return longest_busy_seconds > 0 ? 1 - busy_seconds / longest_busy_seconds : 0;
  }
};

/// Solves the problems `wanted`, those left over by earlier runs of the same job, and writes
/// `context.output`/solution.h5 from all of them; a run for a share of a population leaves them in
/// solution.parts/ there. The ranks begin with about equal work and take over from each other, or
/// solve every problem together. `finish` (collective) reports the run. What the next run would go
/// on from is removed after that: a run that is killed while it reports loses nothing. Collective.
/// Throws Interrupted, with all saved, when a rank was asked to end.
SolveRun solve_problems(const CommandContext& context, ProblemSet& problems,
                        distributed::Shard wanted,
                        const std::function<void(const SolveRun&)>& finish = {});

}  // namespace otfleet

#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "distributed/shard.hpp"
#include "src/reports/convergence.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/solutions.hpp"
#include "src/runs/solve_task.hpp"

namespace otfleet {

/// Figures over problems.
struct SolveTally {
  StatusCounts statuses;
  std::int64_t iterations = 0;
  double max_error = 0, max_gap = 0;  ///< of those that are finite
  std::int64_t not_finite = 0;        ///< problems whose error or gap is not
  SolveCounts counts;

  void add(const Solutions& solutions, SolutionContents::Kind kind);
  void reduce(const distributed::Communicator& communicator);
};

/// What solving a population took; seconds by the wall, of the slowest rank unless said otherwise.
struct SolveRun {
  std::int64_t wanted = 0, solved_before = 0;  ///< problems, and those that earlier runs had solved
  double seconds = 0;                          ///< all of it
  double setup_seconds = 0;                    ///< before the first problem: who begins with what
  double write_seconds = 0;                    ///< solution.h5
  SolveSeconds parts;
  double busy_seconds = 0;          ///< in which ranks solved or saved, on average
  double longest_busy_seconds = 0;  ///< the same of the busiest rank
  std::int64_t taken_over = 0;      ///< problems that a rank took over from another
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

/// What is said of a problem on its way.
std::string how_far(std::int64_t problem, std::int64_t iterations, double error);

/// What solutions depend on, as text: what an unfinished run of another one left is of no use.
std::string run_identity(const Job& job, const std::string& content);

/// Solves the problems `wanted` of a population, those left over by earlier runs of the same job,
/// and writes `context.output`/solution.h5 from all of them; a run for a share of a population
/// leaves them in solution.parts/ there. The ranks begin with about equal work and take over from
/// each other. Collective. Throws Interrupted, with all saved, when a rank was asked to end.
SolveRun solve_population(const CommandContext& context, const SolveTask& task,
                          distributed::Shard wanted);

}  // namespace otfleet

#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "distributed/shard.hpp"
#include "src/commands/commands.hpp"
#include "src/reports/report.hpp"
#include "src/solvers/solution_file.hpp"
#include "src/solvers/solutions.hpp"

namespace otfleet {

/// A population and how this rank solves its share of it.
struct SolveTask {
  std::filesystem::path population_file;
  SolutionLayout layout;
  /// What this rank solves between two writes: its shard in ascending pieces, which bound the
  /// memory that potentials take, and what is made from plans.
  std::vector<distributed::Shard> blocks;
  std::string method, reason;
  /// What comes before the first problem and counts as solving.
  std::function<void()> prepare;
  std::function<Solutions(distributed::Shard, SolveSeconds&)> solve;
};

/// Throws UserError where the job asks of `file`, a population of clouds, for what needs points
/// that all problems share. Local.
void check_clouds_fit(const Job& job, const std::filesystem::path& file);

/// Reads the population that the job names. Collective. Throws UserError where job and population
/// do not fit.
SolveTask make_solve_task(const CommandContext& context, Report& report);

}  // namespace otfleet

#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "distributed/shard.hpp"
#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/solution_file.hpp"
#include "src/runs/solutions.hpp"
#include "src/runs/solve_control.hpp"

namespace otfleet {

/// A population and the method that solves it.
struct SolveSubject {
  std::filesystem::path population_file;
  SolutionLayout layout;
  /// What the solutions depend on besides the job's keys: 16 hex digits or so.
  std::string content{};
  std::string method{}, reason{};
};

/// How its problems are solved, any of them on any rank.
struct SolveTask : SolveSubject {
  /// How many problems to take at first, when nothing is known of their cost, and at most: their
  /// potentials, and what is made from plans, have to fit into memory.
  std::int64_t first_problems = 1, most_problems = 1;
  /// What comes before the first problem and counts as solving.
  std::function<void()> prepare{};
  /// About how much work problems are, in any unit.
  std::function<double(distributed::Shard)> work{};
  /// Throws Interrupted where the control ends it.
  std::function<Solutions(distributed::Shard, SolveSeconds&, SolveControl&)> solve{};
};

/// Reads the population that the job names. Collective. Throws UserError where job and population
/// do not fit.
SolveTask make_solve_task(const CommandContext& context, Report& report);

}  // namespace otfleet

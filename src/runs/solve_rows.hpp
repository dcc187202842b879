#pragma once
#include "src/reports/report.hpp"
#include "src/runs/solve_run.hpp"

namespace otfleet {

/// What was solved row by row, and how.
struct RowsRun {
  SolveSubject subject;
  SolveRun run{};
  double wait_seconds = 0;  ///< for columns of other ranks, of the rank that waited longest
};

/// Solves the population of clouds that the job names, one problem after the other, the ranks
/// sharing the rows of every problem, and writes `context.output`/solution.h5. Goes on from what an
/// earlier run of the same job left in solution.parts/ there. Collective. Throws Interrupted, with
/// all saved, when a rank was asked to end.
RowsRun solve_rows(const CommandContext& context, Report& report);

}  // namespace otfleet

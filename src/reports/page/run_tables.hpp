#pragma once
#include <optional>
#include <string>
#include <vector>

#include "src/reports/page/run_folder.hpp"
#include "src/reports/page/solution_summary.hpp"

// The tables of a page, as HTML; empty where a run has nothing for them.

namespace otfleet::page {

/// A run to show, with what its solution holds.
struct ShownRun {
  Run run;
  std::optional<SolutionSummary> solution;
};

/// One line a run: what it worked on, how long, how it ended.
std::string overview_table(const std::vector<ShownRun>& runs);
/// What a command found: the comparison of starts, distances, scaling, statuses.
std::string result_tables(const ShownRun& shown);
/// Seconds of every phase.
std::string seconds_table(const ShownRun& shown);
/// The worst rows of a solution with their certificates.
std::string worst_row_tables(const ShownRun& shown);

}  // namespace otfleet::page

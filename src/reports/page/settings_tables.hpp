#pragma once
#include <string>
#include <vector>

#include "src/reports/page/run_tables.hpp"

namespace otfleet::page {

/// The settings of runs as resolved, those that are not the default first, the rest folded; where
/// runs differ, each value with its runs. HTML. Local.
std::string settings_tables(const std::vector<ShownRun>& runs);

/// Versions, revision and execution space, runs with the same ones together.
std::string version_tables(const std::vector<ShownRun>& runs);

}  // namespace otfleet::page

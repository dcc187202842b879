#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace otfleet::page {

/// What one command left in its folder, complete or not.
struct Run {  // NOLINT(bugprone-exception-escape): moving a JSON value asserts, and throws nothing
  std::filesystem::path folder;
  std::string name;                 ///< of the folder, as a reader knows it
  std::string command;              ///< "solve"; empty where nothing says it
  nlohmann::json report;            ///< report.json; null: there is none that can be read
  std::vector<std::string> faults;  ///< what is missing or damaged, and what to do
  std::filesystem::path solution;   ///< solution.h5; empty: there is none
  std::vector<std::filesystem::path> pictures;  ///< of ours, the one that the report names first
};

/// The runs in a folder: its own, and those of its subfolders, in the order in which commands
/// follow each other. Throws UserError, with what to do next, where no run has a report. Local.
std::vector<Run> find_runs(const std::filesystem::path& folder);

}  // namespace otfleet::page

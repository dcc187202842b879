#pragma once
#include <string>
#include <vector>

#include "src/reports/page/run_folder.hpp"

namespace otfleet::page {

/// How a run ended, in a line.
struct Outcome {
  enum class Mood { good, bad, neutral };
  Mood mood = Mood::neutral;
  std::string text;
};

Outcome outcome_of(const Run& run);

/// What it worked on: "1,000 problems, squared_euclidean, epsilon 0.01"; empty where nothing says
/// it.
std::string subject_of(const Run& run);

/// Seconds of its phases that follow each other, or a negative number where nothing says it.
double seconds_of(const Run& run);
/// These phases, by their names in report.json; the others are parts of the one that has the
/// command's name.
const std::vector<std::string>& whole_phases(const std::string& command);

/// The verdict on all of it: what matters most of every run.
Outcome verdict_on(const std::vector<Run>& runs);

}  // namespace otfleet::page

#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/scaling/cost_model.hpp"

namespace otfleet {

/// What a study found of one command: the same problems on ever more ranks (strong), and as many
/// for every rank (weak), by ascending ranks, the first on one.
struct CommandScaling {
  std::string command;
  std::vector<ScalingRun> strong, weak;
  CostModel model;

  /// Throughput of a rank over that of one alone.
  static double efficiency(const std::vector<ScalingRun>& runs, const ScalingRun& run) {
    return run.per_second() / run.ranks / runs.front().per_second();
  }
  /// Largest relative error of the model's seconds on the runs that it was fitted to.
  double model_error() const;
};

/// DIR/scaling.csv, DIR/scaling-<command>.png and the figures of the report. Local. Throws
/// UserError.
void write_scaling(const std::filesystem::path& directory,
                   const std::vector<CommandScaling>& studies, std::int64_t predict_ranks,
                   nlohmann::json& figures);

/// For the terminal: what was measured, what is predicted, and what limits first.
std::string scaling_table(const std::vector<CommandScaling>& studies, std::int64_t predict_ranks);

}  // namespace otfleet

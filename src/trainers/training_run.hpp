#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"
#include "src/trainers/checkpoint_series.hpp"
#include "src/trainers/trainer.hpp"

namespace otfleet {

/// A training, whatever it is of.
struct TrainingRun {
  TrainedModel& model;
  Trainer& trainer;
  CheckpointSeries& checkpoints;
  std::string error_name;  ///< what the steps' first error is
  /// Adds figures of its own to the report when all is done; may be empty. Collective.
  std::function<void()> add_figures{};
};

/// What the weights of a job depend on, as text, `content` included: another text means that an
/// unfinished run cannot go on.
std::string training_identity(const Job& job, nlohmann::json content);

/// The checkpoint from which an unfinished run of the same identity goes on, the same on every
/// rank; empty: none. `read` as CheckpointSeries::newest() has it. Collective.
std::filesystem::path find_unfinished(
    const CommandContext& context, CheckpointSeries& checkpoints,
    const std::function<TrainingState(const std::filesystem::path&)>& read,
    const std::string& identity);

/// Makes the job's steps, from trainer.state() on, saving on the way; writes model.h5, plots and
/// report. Collective. Throws Interrupted, with a checkpoint written, when a rank was asked to end.
void run_training(const CommandContext& context, Report& report, const TrainingRun& run);

}  // namespace otfleet

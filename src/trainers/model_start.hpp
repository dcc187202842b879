#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "distributed/shard.hpp"
#include "src/models/checkpoint.hpp"
#include "src/models/start_model.hpp"
#include "src/populations/population_view.hpp"
#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"

namespace otfleet {

/// The trained model of a job.
struct LoadedModel {
  std::unique_ptr<StartModel> model;
  std::string checksum;          ///< of the checkpoint
  double fine_tune_seconds = 0;  ///< of this rank
};

/// Reads the model on every rank and, with fine_tune.steps > 0, fine-tunes it on this rank's shard
/// (phase "fine_tune" of the report). Collective. Throws UserError.
LoadedModel load_model(const CommandContext& context, const PopulationView& population,
                       distributed::Shard shard, Report& report);

/// The description of a job's model on a population, with fresh weights. Local. Throws UserError.
std::unique_ptr<StartModel> fresh_model(const Job& job, const PopulationView& population);

/// A checkpoint's model, and its training state if asked for and there. Local. Throws UserError:
/// not such a model as the job asks for on this population.
std::unique_ptr<StartModel> read_model(const std::filesystem::path& file, const Job& job,
                                       const PopulationView& population,
                                       TrainingState* state = nullptr);

}  // namespace otfleet

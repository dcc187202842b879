#pragma once
#include <string>

#include "distributed/shard.hpp"
#include "src/models/potential_model.hpp"
#include "src/populations/population.hpp"
#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"

namespace otfleet {

/// The trained model of a job.
struct StartModel {
  PotentialModel model;
  std::string checksum;          ///< of the checkpoint
  double fine_tune_seconds = 0;  ///< of this rank
};

/// Reads the model on every rank and, with fine_tune.steps > 0, fine-tunes it on this rank's shard
/// (phase "fine_tune" of the report). Collective. Throws UserError.
StartModel load_model(const CommandContext& context, const Population& population,
                      distributed::Shard shard, Report& report);

}  // namespace otfleet

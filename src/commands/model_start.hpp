#pragma once
#include <optional>

#include "distributed/shard.hpp"
#include "src/commands/commands.hpp"
#include "src/models/potential_model.hpp"
#include "src/problems/population.hpp"
#include "src/reports/report.hpp"

namespace otfleet {

/// The trained model of a job, read on every rank and, with fine_tune.steps > 0, fine-tuned on this
/// rank's shard (phase "fine_tune" of the report). Collective. Throws UserError.
PotentialModel load_model(const CommandContext& context, const Population& population,
                          distributed::Shard shard, Report& report, double& fine_tune_seconds);

}  // namespace otfleet

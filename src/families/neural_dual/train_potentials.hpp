#pragma once
#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"

namespace otfleet {

/// run_train() for problem = "potentials": a map between two distributions that are sampled.
/// Collective.
void train_potentials(const CommandContext& context, Report& report);

}  // namespace otfleet

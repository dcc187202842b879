#pragma once
#include "src/runs/command_context.hpp"

namespace otfleet {

/// run_evaluate() for problem = "potentials": how close a trained map is to the true one (samples
/// of the benchmark), or how close what it pushes is to the other side's samples; pictures on the
/// plane. Collective.
void evaluate_potentials(const CommandContext& context);

}  // namespace otfleet

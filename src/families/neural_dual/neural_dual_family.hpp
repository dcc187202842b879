#pragma once
#include "src/families/family.hpp"

namespace otfleet {

/// A potential between two distributions that are sampled (Amos 2022), and points that go through
/// its map.
Family neural_dual_family();

void train_potentials(const CommandContext& context, Report& report);
void evaluate_potentials(const CommandContext& context, Report& report);

}  // namespace otfleet

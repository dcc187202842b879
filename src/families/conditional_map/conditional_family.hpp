#pragma once
#include "src/families/family.hpp"

namespace otfleet {

/// Maps of many problems between clouds, from one model that sees what describes a problem (CondOT,
/// Bunne, Krause & Cuturi 2022). Problems are those of populations of clouds.
Family conditional_family();

void train_conditional_maps(const CommandContext& context, Report& report);
std::unique_ptr<ProblemSet> open_conditional_maps(const CommandContext& context, Report& report);
void evaluate_conditional_maps(const CommandContext& context, Report& report);

}  // namespace otfleet

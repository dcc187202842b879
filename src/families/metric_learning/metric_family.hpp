#pragma once
#include "src/families/family.hpp"

namespace otfleet {

/// A metric of the plane, learned from sets of points that move.
Family metric_family();

void train_metric(const CommandContext& context, Report& report);
void evaluate_metric(const CommandContext& context, Report& report);

}  // namespace otfleet

#pragma once
#include <memory>

#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/problem_set.hpp"

namespace otfleet {

/// The points map.points through the entropic map of every problem of a population that was solved
/// before, from the potentials in its solution; nothing is solved. Collective. Throws UserError:
/// the solution is of another population or has no potentials, points or costs that fit no map.
std::unique_ptr<ProblemSet> open_plan_maps(const CommandContext& context, Report& report);

}  // namespace otfleet

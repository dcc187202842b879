#pragma once
#include "src/runs/solve_task.hpp"

namespace otfleet {

/// solve for problem = "potentials": the points that the job names go through a trained map, a
/// "problem" being a point. Collective. Throws UserError where job, points and model do not fit.
SolveTask make_map_task(const CommandContext& context, Report& report);

}  // namespace otfleet

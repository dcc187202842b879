#pragma once
#include <memory>

#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/problem_set.hpp"

namespace otfleet {

/// The problems of the population that the job names, balanced or not, on points that all share or
/// on points of every measure's own, and who solves them: one rank each, or all ranks together.
/// Where the job has map.points: their maps by plans that were solved before. Collective. Throws
/// UserError where job and population do not fit.
std::unique_ptr<ProblemSet> open_linear_problems(const CommandContext& context, Report& report);

}  // namespace otfleet

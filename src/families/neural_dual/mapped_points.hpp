#pragma once
#include <memory>

#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/problem_set.hpp"

namespace otfleet {

/// Points that the job names, to go through the map of its checkpoint; a "problem" is a point.
/// Columns: iterations, status (kernels::ConjugateStatus) and
///   image [P, D]   where the point goes
///   value, residual, round_trip   see MappedPoints
///   action [P], path [P, nodes, D]   of the path to the image, where the job has a Lagrangian
/// Attributes of /solution: side, direction, tolerance, solver, precision, population (file name),
/// geometry (of the points), status_0 … status_4. Collective. Throws UserError.
std::unique_ptr<ProblemSet> open_mapped_points(const CommandContext& context, Report& report);

}  // namespace otfleet

#pragma once
#include "src/families/family.hpp"

namespace otfleet {

/// Paths of least action between points.
Family least_action_family();

/// Paths between the points that the job names, or between samples; a "problem" is a path. Columns:
/// iterations, status (kernels::ConjugateStatus) and
///
///   from, to [P, D]        the ends
///
///   path [P, nodes, D]     places of nodes, equal steps of time apart; a natural cubic spline goes
///                          through them
///
///   action [P]             of the path, on ten times finer points
///
///   minimized_action [P]   the sum that was minimized
///
///   straight_action [P]    the straight line's, on the finer points
///
///   lower_bound [P]        no path has less
///
///   residual [P]           norm of the gradient at the path
///
///   start [P]              which start led there, −1: the prediction
///
/// Attributes of /solution: lagrangian, population (file name), geometry (of the points), points,
/// tolerance, status_0 … status_4. Collective. Throws UserError.
std::unique_ptr<ProblemSet> open_paths(const CommandContext& context, Report& report);

/// Trains a PathPredictor on the ends that [samples] draws.
void train_paths(const CommandContext& context, Report& report);
/// Compares starts of paths: the straight line, with bows, and what the model predicts.
void evaluate_paths(const CommandContext& context, Report& report);

}  // namespace otfleet

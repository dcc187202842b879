#pragma once
#include <filesystem>

#include "src/runs/command_context.hpp"

namespace otfleet {

/// Builds train.h5 and test.h5, two populations over disjoint measures. Collective; rank 0 works.
void run_make(const CommandContext& context);
/// Meta-trains the model on train.h5, data-parallel; writes model.h5. Collective.
void run_train(const CommandContext& context);
/// Solves a population, ranks sharing the work; writes solution.h5, or for a share of it alone
/// leaves what is solved for the run that puts all shares together. Collective.
void run_solve(const CommandContext& context);
/// Compares the initializers on held-out problems; table, report.json, pictures. Collective.
void run_evaluate(const CommandContext& context);
/// Measures how solving and training scale with the ranks and predicts how they go on. Collective.
void run_scale(const CommandContext& context);
/// Prints what a population, solution or checkpoint file holds; with `values` the columns of a
/// solution that have one number a problem, as CSV. Local.
void run_info(const std::filesystem::path& file, bool values);
/// Writes a page on the runs in a folder to `output` (empty: report.html there) and prints where it
/// is. Throws UserError. Local.
void run_report(const std::filesystem::path& folder, const std::filesystem::path& output);

}  // namespace otfleet

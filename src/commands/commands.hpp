#pragma once
#include <filesystem>
#include <optional>

#include "distributed/communicator.hpp"
#include "src/config/job.hpp"

namespace otfleet {

/// One of `count` parts of a population, of which each is solved by a run of its own.
struct Share {
  int index = 0, count = 1;
};

/// What every command gets: the job, the ranks, the folder for its outputs (made already), and
/// whether rank 0 may print.
struct CommandContext {
  const Job& job;
  const distributed::Communicator& communicator;
  std::filesystem::path output;
  bool quiet = false;
  std::optional<Share> share;  ///< solve only; absent: everything
  bool strict = false;         ///< solve, evaluate: a problem without convergence is an error

  bool prints() const { return communicator.is_root() && !quiet; }
};

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

}  // namespace otfleet

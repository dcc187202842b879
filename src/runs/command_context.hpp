#pragma once
#include <filesystem>
#include <optional>

#include "distributed/communicator.hpp"
#include "src/job.hpp"

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
  std::filesystem::path job_file = {};  ///< as it was named, for messages

  bool prints() const { return communicator.is_root() && !quiet; }
};

}  // namespace otfleet

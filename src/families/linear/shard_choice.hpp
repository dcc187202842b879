#pragma once
#include <filesystem>
#include <string>

#include "src/runs/command_context.hpp"

namespace otfleet {

/// The population that a job names, classified once.
struct LinearInput {
  std::filesystem::path file;
  bool clouds = false;  ///< every measure has points of its own
};

/// How the ranks share a population.
struct ShardChoice {
  bool rows = false;   ///< all ranks solve every problem together, each some of its rows
  std::string reason;  ///< one line for the report
};

/// What solver.shard means for a population. "auto": of clouds, whatever
/// leaves the busiest rank less to do in an iteration, pairs of points and messages counted, or
/// what an unfinished run did; of other populations, problems. Collective. Throws UserError where
/// the job asks for rows of a population that is not one of clouds, or of a share.
ShardChoice choose_shard(const CommandContext& context, const LinearInput& input);

}  // namespace otfleet

#pragma once
#include "src/commands/shard_choice.hpp"

namespace otfleet {

/// run_solve() where the ranks share the rows of every problem: one problem after the other, each
/// solved by all ranks. Needs a population of clouds; report and solution are those of run_solve().
/// Collective.
void run_sharded_solve(const CommandContext& context, const ShardChoice& shard);

}  // namespace otfleet

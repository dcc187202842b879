#pragma once
#include <string>

#include "src/runs/command_context.hpp"

namespace otfleet {

/// Makes an epsilon that is relative to the cost absolute: finds the population that `command`
/// works on, multiplies `job.problem.epsilon`, and says what came of it. `job` is the context's.
/// Does nothing for other commands, for families without a cost in files and for an epsilon that is
/// absolute. Rank 0 alone reads, so that all ranks have one number. A statistic that is 0, or of no
/// pair at all, counts as 1. Collective. Throws UserError where it is negative or too large.
void make_epsilon_absolute(const CommandContext& context, const std::string& command, Job& job);

}  // namespace otfleet

#pragma once
#include <memory>

#include "src/families/family.hpp"

namespace otfleet {

/// Transport between clouds by plans of low rank, for clouds too large for others. Populations are
/// those of the linear family with points of every measure's own.
Family low_rank_family();

/// Collective. Throws UserError.
std::unique_ptr<ProblemSet> open_low_rank(const CommandContext& context, Report& report);

}  // namespace otfleet

#pragma once
#include <memory>

#include "src/families/family.hpp"

namespace otfleet {

/// Transport of noise to clouds. Populations are those of the linear family with points of every
/// measure's own; a problem is its target, and its source is not looked at.
Family semidiscrete_family();

/// Collective. Throws UserError.
std::unique_ptr<ProblemSet> open_semidiscrete(const CommandContext& context, Report& report);

}  // namespace otfleet

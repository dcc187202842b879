#pragma once
#include <memory>

#include "src/families/family.hpp"

namespace otfleet {

/// Sliced and max-sliced distances between clouds of points. Populations are those of the linear
/// family with points of every measure's own.
Family sliced_family();

/// Collective. Throws UserError.
std::unique_ptr<ProblemSet> open_sliced(const CommandContext& context, Report& report);

}  // namespace otfleet

#pragma once
#include <memory>

#include "src/families/family.hpp"

namespace otfleet {

/// Gromov–Wasserstein problems between clouds of points: how alike two shapes are, wherever they
/// lie. Populations are those of the linear family with points of every measure's own.
Family gromov_wasserstein_family();

/// Collective. Throws UserError.
std::unique_ptr<ProblemSet> open_gromov_wasserstein(const CommandContext& context, Report& report);

}  // namespace otfleet

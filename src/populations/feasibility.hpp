#pragma once
#include <cstdint>
#include <string>

#include "kernels/geometry/separable_cost.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// Throws UserError that names the problem, beginning with `name`, when a cost matrix forbids so
/// many entries that no plan is left for one of the problems first, first + step, …; exact
/// marginals are assumed. Source: maximum flow (Ford & Fulkerson 1956). Local. Work: one flow over
/// the allowed entries a problem; nothing where no entry is forbidden.
void check_feasible(const std::string& name, const Population& population,
                    const kernels::SeparableCost* cost, std::int64_t first = 0,
                    std::int64_t step = 1);

}  // namespace otfleet

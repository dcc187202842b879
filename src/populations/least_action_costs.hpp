#pragma once
#include <cstdint>
#include <string>

#include "src/job.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// geometry.cost [n, m]: the least actions that are found between the geometry's points, as the
/// job's [lagrangian] and [path] say; of points on both sides that are the same, each pair once.
/// Warns of paths that did not converge. Throws UserError: points that no path takes, too little
/// memory, costs that are not finite. Local.
void add_least_action_costs(const Job& job, Geometry& geometry);

}  // namespace otfleet

#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "src/problems/population.hpp"

namespace otfleet {

/// The kernels' view of a population's cost. Local.
kernels::SeparableCost make_cost(const Geometry& geometry);

}  // namespace otfleet

#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/clouds/ground_cost.hpp"

namespace otfleet {

/// The names of costs between two points, as job and population files spell them.
const std::vector<std::string>& ground_cost_names();

/// Throws UserError, beginning with `name`, for an unknown one.
kernels::GroundCost ground_cost_kind(const std::string& name, const std::string& cost);

/// Throws UserError, beginning with `name`, for the first of some points, the first of them number
/// `first`, that the cost cannot take: the zero vector for an angle, other than unit vectors on the
/// sphere. `what` a point is called: "row", "point".
void check_cost_takes(const std::string& name, kernels::GroundCost kind,
                      std::span<const double> points, std::int64_t dimension, const char* what,
                      std::int64_t first = 0);

/// The cost between two points of `dimension` coordinates, in the cost's own units; `power` counts
/// for GroundCost::power alone. Cosine: no point may be zero.
double ground_cost(kernels::GroundCost kind, double power, const double* x, const double* y,
                   std::int64_t dimension);

}  // namespace otfleet

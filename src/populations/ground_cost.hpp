#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"

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

/// The cost between two points of `dimension` coordinates, in the cost's own units, 0 for equal
/// points; `power` counts for GroundCost::power alone, `divisor` for GroundCost::great_circle.
/// Cosine and great circle, which see directions alone: no point may be zero.
double ground_cost(kernels::GroundCost kind, double power, const double* x, const double* y,
                   std::int64_t dimension, double divisor = 1);

/// Throws UserError unless power and divisor are what costs can take; `name` begins the message.
void check_ground_cost(const std::string& name, double power, double great_circle_divisor);

}  // namespace otfleet

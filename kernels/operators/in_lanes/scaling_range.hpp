#pragma once
#include "kernels/geometry/separable_cost.hpp"

namespace otfleet::kernels {

/// True where u = exp(f/epsilon) and its products can neither overflow nor lose a digit to
/// underflow in Scalar, at any iteration and from any start: with R = range of the cost, the soft
/// c-transforms have oscillation at most R, and an iteration does not increase the sup-distance
/// to a fixed point (Franklin & Lorenz 1989), so every exponent stays within
/// 3 R/epsilon + log(n m) + log(1/smallest weight) + `more`, what a solver adds to them.
template <class Scalar>
bool scaling_is_safe(const SeparableCost& cost, double epsilon, double smallest_weight,
                     double more = 0);

}  // namespace otfleet::kernels

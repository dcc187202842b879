#pragma once
#include <vector>

#include "kernels/geometry/separable_cost.hpp"

namespace otfleet::kernels {

/// C(i, j) as a plain sum over axes.
double cost_entry(const SeparableCost& cost, int i, int j);

/// An order of the source (or target) points in which neighbors have similar costs: a k-d tree
/// over the points' costs to at most 16 points of the other side, cut down to 8 points. Makes
/// neighboring points share their few relevant partners. Work: points × log(points).
std::vector<int> point_order(const SeparableCost& cost, bool of_sources);

}  // namespace otfleet::kernels

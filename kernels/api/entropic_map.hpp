#pragma once
#include <span>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"

namespace otfleet::kernels {

/// One side of a solved problem, in the host's memory: where a map from the other side goes.
struct MapTarget {
  std::span<const double> points;     ///< [m, d], row-major
  std::span<const double> potential;  ///< [m], in units of the cost; −inf: no weight
};

/// Points through the map of a plan.
struct MappedByPlan {
  std::vector<double> images;  ///< [N, d]
  std::vector<double> values;  ///< [N]: f(x), or empty
};

/// Whether a cost is h(x − y) with a strictly convex h, so that its plans make maps.
bool has_maps(const GroundCost& cost);

/// The entropic map of a plan at any points x [N, d], for costs h(x − y) with a strictly convex h:
///   T(x) = x − grad h*(grad f(x)),   f(x) = −epsilon log sum_j exp((g_j − h(x − y_j))/epsilon)
/// (Pooladian & Niles-Weed 2021, equation 4; Cuturi, Klein & Ablin 2023, proposition 3). For the
/// squared Euclidean cost that is a mean of the y_j. At a source point x_i of a plan with exact
/// marginals, f(x_i) is f_i − epsilon log a_i. From the target to the source: the same with the
/// sides exchanged. h must be even. NaN where no potential is a number. Local. Memory: a few
/// numbers for each of 16,384 points at once. `with_values`: for the square f takes two passes over
/// the pairs more. Throws std::invalid_argument: sizes that do not fit, a cost without maps.
MappedByPlan entropic_map(const GroundCost& cost, int dimension, double epsilon,
                          const MapTarget& target, std::span<const double> points,
                          bool with_values = false);

}  // namespace otfleet::kernels

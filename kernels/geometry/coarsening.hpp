#pragma once
#include <span>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"

namespace otfleet::kernels {

/// A cloud of about an eighth of the points.
struct CoarseCloud {
  std::vector<double> points, weights;  ///< [n, d], [n]
  /// What it costs to cross the points that became one: the median over the weight.
  double crossing_cost = 0;
};

/// points [n, d] and weights [n] > 0 in the order of a CellTree: every run of CellTree::run_points
/// becomes its center of mass, on the unit sphere where costs see directions alone. Host; work n.
CoarseCloud coarsen(std::span<const double> points, std::span<const double> weights, int d,
                    const GroundCost& cost);

}  // namespace otfleet::kernels

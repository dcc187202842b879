#pragma once
#include "kernels/geometry/cell_tree.hpp"
#include "kernels/geometry/ground_cost.hpp"

// Bounds of a cost between the points of two boxes, for costs that grow with differences. They hold
// for exact points; computed costs may be off by what GroundCostType calls rounding.

namespace otfleet::kernels {

/// Has this cost such bounds?
inline bool has_box_bounds(const GroundCost& cost) {
  return with_ground_cost(cost, [](const auto& typed) { return typed.grows_with_differences; });
}

/// Of two points whose coordinates differ by these numbers.
template <class Cost>
double cost_of_differences(const Cost& cost, const double* differences, int dimension) {
  if constexpr (requires { Cost::sum_of_differences(differences, dimension); }) {
    return cost.template from_sum<double, double>(Cost::sum_of_differences(differences, dimension));
  } else {
    typename Cost::template Sum<double> sum(0.0);
    for (int k = 0; k < dimension; ++k) sum = Cost::add(sum, differences[k], 0.0);
    return cost.template from_sum<double, double>(sum);
  }
}

/// No cost between a point of `one` and a point of `other` is smaller.
template <class Cost>
double least_cost(const Cost& cost, const CellTree::Node& one, const CellTree::Node& other,
                  int dimension) {
  double gaps[most_cell_coordinates];
  for (int k = 0; k < dimension; ++k) {
    const double above = one.low[k] - other.high[k], below = other.low[k] - one.high[k];
    const double gap = above > below ? above : below;
    gaps[k] = gap > 0 ? gap : 0.0;
  }
  return cost_of_differences(cost, gaps, dimension);
}

/// None is larger.
template <class Cost>
double most_cost(const Cost& cost, const CellTree::Node& one, const CellTree::Node& other,
                 int dimension) {
  double spans[most_cell_coordinates];
  for (int k = 0; k < dimension; ++k) {
    const double above = one.high[k] - other.low[k], below = other.high[k] - one.low[k];
    spans[k] = above > below ? above : below;
  }
  return cost_of_differences(cost, spans, dimension);
}

}  // namespace otfleet::kernels

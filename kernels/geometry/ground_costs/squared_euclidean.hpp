#pragma once
#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// |x − y|², not halved.
struct SquaredEuclideanCost : GroundCostType {
  static constexpr const char* name = "squared_euclidean";

  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack from_sum(const Pack& sum) {
    return sum;
  }
  OTFLEET_FUNCTION static void add_slope(double share, double /*sum*/, const double* x,
                                         const double* y, int dimension, double* slope) {
    add_difference(share * 2, x, y, dimension, slope);
  }

  static constexpr bool has_maps() { return true; }
  static void conjugate_slope(double* slope, int dimension) {
    for (int k = 0; k < dimension; ++k) slope[k] /= 2;
  }

  /// −scale |x − y|² = 2 scale <x, y> − …
  static constexpr bool leaves_product = true;
  static IterationUnits iteration_units(double scale) { return {std::sqrt(2 * scale), scale, 0}; }

  static double bound(double reach, int /*dimension*/) { return reach * reach; }
  static double rounding(int dimension, double reach, double /*bound*/) {
    return 2 * ((dimension + 8) * one_rounding * reach) * reach;
  }

  static double line_power() { return 2; }
  static constexpr bool maps_gaussians = true;
  static constexpr double geomloss_unit = 0.5;

  bool operator==(const SquaredEuclideanCost&) const = default;
};

}  // namespace otfleet::kernels

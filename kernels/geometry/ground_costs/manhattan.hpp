#pragma once
#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// The sum of |x_k − y_k| over the coordinates.
struct ManhattanCost : GroundCostType {
  static constexpr const char* name = "manhattan";

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack add(const Pack& sum, const Pack& x, const Pack& y) {
    return sum + abs(x - y);
  }
  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack from_sum(const Pack& sum) {
    return sum;
  }
  /// 0 for equal coordinates.
  OTFLEET_FUNCTION static void add_slope(double share, double /*sum*/, const double* x,
                                         const double* y, int dimension, double* slope) {
    for (int k = 0; k < dimension; ++k)
      slope[k] += x[k] > y[k] ? share : x[k] < y[k] ? -share : 0.0;
  }

  static double bound(double reach, int dimension) {
    return std::sqrt(static_cast<double>(dimension)) * reach * (1 + 1e-6);
  }
  static double rounding(int dimension, double /*reach*/, double bound) {
    return (dimension + 8) * one_rounding * bound;
  }

  static double line_power() { return 1; }

  bool operator==(const ManhattanCost&) const = default;
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// The largest |x_k − y_k| of all coordinates.
struct ChebyshevCost : GroundCostType {
  static constexpr const char* name = "chebyshev";

  /// The largest so far.
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack add(const Pack& sum, const Pack& x, const Pack& y) {
    return max(sum, abs(x - y));
  }
  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack from_sum(const Pack& sum) {
    return sum;
  }
  /// By the first of the coordinates that are furthest apart; 0 for equal points.
  OTFLEET_FUNCTION static void add_slope(double share, double sum, const double* x, const double* y,
                                         int dimension, double* slope) {
    for (int k = 0; k < dimension && sum > 0; ++k) {
      const double difference = x[k] - y[k];
      if (difference != sum && difference != -sum) continue;
      slope[k] += difference > 0 ? share : -share;
      return;
    }
  }

  static double bound(double reach, int /*dimension*/) { return reach; }
  static double rounding(int /*dimension*/, double reach, double /*bound*/) {
    return 8 * one_rounding * reach;
  }

  static double line_power() { return 1; }
  /// Misiewicz 1989: in one and two dimensions alone.
  static bool is_positive_definite(int dimension) { return dimension <= 2; }

  bool operator==(const ChebyshevCost&) const = default;
};

}  // namespace otfleet::kernels

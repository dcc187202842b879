#pragma once
#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// |x − y|.
struct EuclideanCost : GroundCostType {
  static constexpr const char* name = "euclidean";

  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack from_sum(const Pack& sum) {
    return sqrt(sum);
  }
  OTFLEET_FUNCTION static void add_slope(double share, double sum, const double* x, const double* y,
                                         int dimension, double* slope) {
    add_difference(share * (sum > 0 ? 1 / ::sqrt(sum) : 0.0), x, y, dimension, slope);
  }

  static double bound(double reach, int /*dimension*/) { return reach; }
  static double rounding(int dimension, double reach, double /*bound*/) {
    return (dimension + 8) * one_rounding * reach;
  }

  static double line_power() { return 1; }

  bool operator==(const EuclideanCost&) const = default;
};

}  // namespace otfleet::kernels

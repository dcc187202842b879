#pragma once
#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// 1 − <x, y>/(|x| |y|): half of the squared distance of unit vectors.
struct CosineCost : GroundCostType {
  static constexpr const char* name = "cosine";

  static constexpr bool takes_directions = true;
  static constexpr double least_square = 1e-300;
  static constexpr const char* fault = " has a coordinate that is not finite, or no direction";
  static std::string length_fault(double /*length*/) {
    return "is the zero vector, which has no angle: leave it out, or take another cost than "
           "'cosine'";
  }

  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack from_sum(const Pack& sum) {
    return Pack(Scalar(0.5)) * sum;
  }
  OTFLEET_FUNCTION static void add_slope(double share, double /*sum*/, const double* x,
                                         const double* y, int dimension, double* slope) {
    add_difference(share, x, y, dimension, slope);
  }

  static constexpr bool leaves_product = true;
  static IterationUnits iteration_units(double scale) { return {std::sqrt(scale), 0, 1}; }

  static double bound(double /*reach*/, int /*dimension*/) { return 2 + 1e-6; }
  static double rounding(int dimension, double /*reach*/, double /*bound*/) {
    return (3 * dimension + 20) * one_rounding;
  }

  bool operator==(const CosineCost&) const = default;
};

}  // namespace otfleet::kernels

#pragma once
#include <algorithm>

#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// |x − y|^p.
struct PowerCost : GroundCostType {
  static constexpr const char* name = "power";

  double power;  ///< p > 0

  explicit PowerCost(double p = 1) : power(p) {}
  static constexpr std::array<CostParameter<PowerCost>, 1> parameters = {
      {{&PowerCost::power,
        {"power", "power", "the power of a distance", "> 0", [](double p) { return p > 0; }, true,
         "of the distance, for problem.cost = \"power\""}}}};

  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack from_sum(const Pack& sum) const {
    const Pack none(Scalar(0)), tiny(Scalar(least_normal<Scalar>));
    const Pack half_power(static_cast<Scalar>(power / 2));
    const Pack logarithm = log2_normal(max(sum, tiny));
    return if_greater(sum, none, exp2_bounded(half_power * logarithm), none);
  }
  double exact(double sum) const { return std::pow(sum, power / 2); }
  OTFLEET_FUNCTION void add_slope(double share, double sum, const double* x, const double* y,
                                  int dimension, double* slope) const {
    add_difference(share * (sum > 0 ? power * ::pow(sum, power / 2 - 1) : 0.0), x, y, dimension,
                   slope);
  }

  bool has_maps() const { return power > 1; }
  void conjugate_slope(double* slope, int dimension) const {
    double square = 0;
    for (int k = 0; k < dimension; ++k) square += slope[k] * slope[k];
    if (!(square > 0)) return;
    // |slope| = p r^(p − 1) at the distance r.
    const double length = std::sqrt(square), distance = std::pow(length / power, 1 / (power - 1));
    for (int k = 0; k < dimension; ++k) slope[k] *= distance / length;
  }

  double bound(double reach, int /*dimension*/) const {
    return std::pow(reach, power) * (1 + 1e-6);
  }
  double rounding(int dimension, double reach, double bound) const {
    // |s^p − t^p| is at most |s − t|^p for p < 1; the logarithm costs digits in addition.
    const double distance = (dimension + 8) * one_rounding * reach;
    const double moved = power < 1 ? std::pow(distance, power) : power * distance / reach * bound;
    return (reach > 0 ? moved : 0.0) +
           4 * one_rounding * bound * (2 + std::abs(std::log2(std::max(bound, 1e-300))));
  }

  double line_power() const { return power; }
  bool is_positive_definite(int /*dimension*/) const { return power <= 2; }

  bool operator==(const PowerCost&) const = default;
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// The angle between unit vectors: arccos <x, y>, or arccos(<x, y>/divisor). It is computed as
/// 2 arctan(|x − y|/|x + y|), accurate at every angle; a divisor adds 2 (divisor − 1) to both
/// squares. A divisor above 1, as in Meta OT (Amos et al. 2023: 1 + 1e-4), keeps the derivative of
/// an angle finite; points are then away from themselves, by about √(2 (divisor − 1)).
struct GreatCircleCost : GroundCostType {
  static constexpr const char* name = "great_circle";

  double divisor;  ///< >= 1

  explicit GreatCircleCost(double d = 1) : divisor(d) {}
  static constexpr std::array<CostParameter<GreatCircleCost>, 1> parameters = {
      {{&GreatCircleCost::divisor,
        {"great_circle_divisor", "divisor", "the divisor of a great circle", ">= 1",
         [](double d) { return d >= 1; }, false,
         "arccos(<x, y>/divisor) instead of the angle itself, for problem.cost = \"great_circle\"; "
         "Meta OT has 1.0001, which puts every point 0.014 away from itself"}}}};

  static constexpr bool takes_directions = true;
  static constexpr double least_square = 1 - 2e-5, most_square = 1 + 2e-5;
  static constexpr const char* fault = " is not a finite unit vector";
  static std::string length_fault(double length) {
    return "has the length " + number_text(length) + ": the cost 'great_circle' takes unit vectors";
  }

  template <class Pack>
  struct Sum {
    Pack apart;     ///< |x − y|²
    Pack together;  ///< |x + y|²

    Sum() = default;
    OTFLEET_FORCEINLINE_FUNCTION explicit Sum(const Pack& start) : apart(start), together(start) {}
  };
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Sum<Pack> add(Sum<Pack> sum, const Pack& x, const Pack& y) {
    const Pack difference = x - y, total = x + y;
    sum.apart = sum.apart + difference * difference;
    sum.together = sum.together + total * total;
    return sum;
  }
  /// Of unit vectors: |x + y|² = 4 − |x − y|².
  static Sum<double> sum_of_differences(const double* differences, int dimension) {
    Sum<double> sum(0.0);
    for (int k = 0; k < dimension; ++k) sum.apart += differences[k] * differences[k];
    sum.apart = sum.apart < 4 ? sum.apart : 4.0;
    sum.together = 4 - sum.apart;
    return sum;
  }
  /// What a divisor adds to both squares.
  OTFLEET_FORCEINLINE_FUNCTION double more() const { return 2 * (divisor - 1); }
  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack from_sum(const Sum<Pack>& sum) const {
    const Pack added(static_cast<Scalar>(more()));
    return angle_between(sum.apart + added, sum.together + added);
  }
  OTFLEET_FUNCTION void add_slope(double share, const Sum<double>& sum, const double* x,
                                  const double* y, int dimension, double* slope) const {
    const double product = (sum.apart + more()) * (sum.together + more());
    add_difference(share * (product > 0 ? 2 / ::sqrt(product) : 0.0), x, y, dimension, slope);
  }

  static double bound(double /*reach*/, int /*dimension*/) { return 3.1416; }
  static double rounding(int dimension, double /*reach*/, double /*bound*/) {
    // The arccosine of a sum of products: where a divisor keeps it away from 1, its slope is
    // below 100; without one the distance is a quotient of lengths.
    return 100 * (dimension + 20) * one_rounding;
  }

  bool is_positive_definite(int /*dimension*/) const { return divisor == 1; }

  bool operator==(const GreatCircleCost&) const = default;
};

}  // namespace otfleet::kernels

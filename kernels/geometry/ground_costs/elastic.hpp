#pragma once
#include "kernels/geometry/ground_cost_type.hpp"

namespace otfleet::kernels {

/// ½ |z|² + l1 · (sum of |z_k|) + l2 · |z|, with z = x − y: what a displacement costs, and what it
/// costs to have one, or a coordinate of one, at all (Cuturi, Klein & Ablin 2023, section 4.1).
/// Maps of such costs leave coordinates (l1) or whole points (l2) where they are.
struct ElasticCost : GroundCostType {
  static constexpr const char* name = "elastic";

  double l1, l2;  ///< >= 0

  explicit ElasticCost(double of_coordinates = 0, double of_points = 0)
      : l1(of_coordinates), l2(of_points) {}
  static constexpr std::array<CostParameter<ElasticCost>, 2> parameters = {
      {{&ElasticCost::l1,
        {"elastic_l1", "weight", "the weight of an elastic cost's sum of lengths", ">= 0",
         [](double weight) { return weight >= 0; }, false,
         "of the sum of |x_k - y_k|, for problem.cost = \"elastic\", |x - y|^2 / 2 plus this and "
         "the "
         "next: maps move few coordinates"}},
       {&ElasticCost::l2,
        {"elastic_l2", "weight", "the weight of an elastic cost's distance", ">= 0",
         [](double weight) { return weight >= 0; }, false,
         "of |x - y|, for problem.cost = \"elastic\": maps move few points"}}}};

  template <class Pack>
  struct Sum {
    Pack squares, lengths;

    Sum() = default;
    OTFLEET_FORCEINLINE_FUNCTION explicit Sum(const Pack& start) : squares(start), lengths(start) {}
  };
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Sum<Pack> add(Sum<Pack> sum, const Pack& x, const Pack& y) {
    const Pack difference = x - y;
    sum.squares = sum.squares + difference * difference;
    sum.lengths = sum.lengths + abs(difference);
    return sum;
  }
  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack from_sum(const Sum<Pack>& sum) const {
    return Pack(Scalar(0.5)) * sum.squares + Pack(static_cast<Scalar>(l1)) * sum.lengths +
           Pack(static_cast<Scalar>(l2)) * sqrt(sum.squares);
  }
  /// Of |z_k| at 0, and of |z| at 0: 0.
  OTFLEET_FUNCTION void add_slope(double share, const Sum<double>& sum, const double* x,
                                  const double* y, int dimension, double* slope) const {
    const double along = sum.squares > 0 ? l2 / ::sqrt(sum.squares) : 0.0;
    for (int k = 0; k < dimension; ++k) {
      const double z = x[k] - y[k];
      slope[k] += share * ((1 + along) * z + (z > 0 ? l1 : z < 0 ? -l1 : 0.0));
    }
  }
  static constexpr bool has_maps() { return true; }
  /// Shrinks every coordinate, then their length (Yu 2013: the proximal map of both together).
  void conjugate_slope(double* slope, int dimension) const {
    double square = 0;
    for (int k = 0; k < dimension; ++k) {
      const double left = std::abs(slope[k]) - l1;
      slope[k] = left > 0 ? std::copysign(left, slope[k]) : 0.0;
      square += slope[k] * slope[k];
    }
    const double length = std::sqrt(square), factor = length > l2 ? 1 - l2 / length : 0.0;
    for (int k = 0; k < dimension; ++k) slope[k] *= factor;
  }

  double bound(double reach, int dimension) const {
    return (reach * (0.5 * reach + l2) + l1 * std::sqrt(static_cast<double>(dimension)) * reach) *
           (1 + 1e-6);
  }
  double rounding(int dimension, double reach, double bound) const {
    return (dimension + 12) * one_rounding * (reach * reach + bound);
  }

  bool operator==(const ElasticCost&) const = default;
};

}  // namespace otfleet::kernels

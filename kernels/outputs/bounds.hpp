#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/rounding.hpp"

// How far the rounding of sums can take a certificate from exact arithmetic (Higham 2002, chapters
// 3 and 4). Bounds subtract or add it, so that lower <= optimum <= upper holds for the numbers as
// they are given.

namespace otfleet::kernels {

/// The rounding of a plan to a feasible one (Altschuler, Weed & Rigollet 2017, algorithm 2) in
/// floating point, with r = sum_rounding() and weights that are shares of the mass. Rows and
/// columns that were scaled down to a and b exceed them by 2 r at most. (1 − 12 r) times that plan
/// does not; it lacks at most the computed gaps plus `widening` r times the weights, and at least 8
/// r. The product of these wider gaps over their sum completes it. (Of all factors 1 − K r this one
/// costs least, 32 r of the product plan's cost where nothing else is missing.)
inline constexpr double widening = 16;

/// What completing a plan costs at most: `product` the sum of C over the product of the wider gaps,
/// `gap` their sum.
KOKKOS_INLINE_FUNCTION double completion_cost(double product, double gap, double r) {
  const double least = gap - 20 * r;
  return product / (least > 8 * r ? least : 8 * r);
}

/// A lower bound from c-transforms f' >= 0 and f'': `first` = <f', b>, `second` = <f'', a>, `size`
/// = <|f''|, a>, `largest` the largest f', `cost_rounding` what the entries of C may be off by
/// beside `operations` roundings. f'' is a minimum of differences C − f'; only where C is of the
/// size of f' and f'' can rounding break a constraint, and by no more than that size allows.
KOKKOS_INLINE_FUNCTION double certain_dual(double first, double second, double size, double largest,
                                           double operations, double cost_rounding, double r) {
  return first + second - r * (first + size) -
         (4 * operations * one_rounding * largest + cost_rounding);
}

/// The bounds of a problem between points, whose costs are computed where they are used and lie in
/// [0, bound]: what its sums say, over its mass.
struct PointBounds {
  double upper, lower;
};
struct PointTotals {
  double kept_cost;                     ///< of the plan scaled down
  double product, gap;                  ///< see completion_cost()
  double first, second, size, largest;  ///< see certain_dual()
  double terms;                         ///< see sum_rounding()
  double plan_rounding;                 ///< relative, of sums over the plan
  double bound;                         ///< no cost is larger
  double cost_rounding;                 ///< absolute, of a cost
};
KOKKOS_INLINE_FUNCTION PointBounds bound_points(const PointTotals& t) {
  constexpr double most_rounding = 0.03;  // beyond, nothing is left of the plan's digits
  const double r = t.plan_rounding;
  const double plan =
      (t.kept_cost + completion_cost(t.product, t.gap, r)) * (1 + 3 * r) + t.cost_rounding;
  const double most = t.bound + t.cost_rounding;
  const double dual =
      certain_dual(t.first, t.second, t.size, t.largest, 2, t.cost_rounding, sum_rounding(t.terms));
  // No cost is negative.
  return {r < most_rounding ? plan : most, dual > 0 ? dual : 0.0};
}

}  // namespace otfleet::kernels

#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/rounding.hpp"

// How far the rounding of sums can take a certificate from exact arithmetic (Higham 2002, chapters
// 3 and 4). Bounds subtract or add it, so that lower <= optimum <= upper holds for the numbers as
// they are given.

namespace otfleet::kernels {

/// The rounding of a plan to a feasible one (Altschuler, Weed & Rigollet 2017, algorithm 2) in
/// floating point, with r = sum_rounding() and weights that are shares of the mass. Rows that were
/// scaled down to a, and columns that a half-step made b, exceed them by 2 r at most. (1 − 12 r)
/// times that plan does not; it lacks at most the computed gaps plus `widening` r times the
/// weights, and at least 8 r. The product of these wider gaps over their sum completes it. (Of all
/// factors 1 − K r this one costs least, 32 r of the product plan's cost where nothing else is
/// missing.)
inline constexpr double widening = 16;

/// What completing a plan costs at most: `product` the sum of C over the product of the wider gaps,
/// `gap` their sum.
inline double completion_cost(double product, double gap, double r) {
  const double least = gap - 20 * r;
  return product / (least > 8 * r ? least : 8 * r);
}

/// A lower bound from c-transforms f' >= 0 and f'': `first` = <f', b>, `second` = <f'', a>, `size`
/// = <|f''|, a>, `largest` the largest f', `cost_rounding` what the entries of C may be off by
/// beside `operations` roundings. f'' is a minimum of differences C − f'; only where C is of the
/// size of f' and f'' can rounding break a constraint, and by no more than that size allows.
inline double certain_dual(double first, double second, double size, double largest,
                           double operations, double cost_rounding, double r) {
  return first + second - r * (first + size) -
         (4 * operations * one_rounding * largest + cost_rounding);
}

/// What bounds need to know of a problem beside its sums.
struct ProblemFacts {
  double mass;           ///< what figures are multiplied by: weights are shares of it
  double minimum;        ///< taken off every cost, added back to figures
  double minimum_error;  ///< how far that may be off, over one_rounding
  double bound;          ///< no cost less the minimum is larger; none is negative
  double cost_error;     ///< no computed cost is further off
  double cost_terms;     ///< roundings of a cost plus a potential
  double terms;          ///< see sum_rounding()
  /// Of points whose plans are computed anew in every pass, see plan_rounding(); −1: sums over the
  /// plan are as good as those of given numbers.
  int dimension;

  /// The relative error of sums over the plan, whose potentials are `exponent` epsilon at most.
  double plan_error(double exponent) const {
    return dimension < 0 ? sum_rounding(terms) : plan_rounding(terms, dimension, exponent);
  }
};

/// What was summed over the points of a problem.
struct PlanTotals {
  double kept_cost;                     ///< of the plan scaled down
  double product, gap;                  ///< see completion_cost()
  double first, second, size, largest;  ///< see certain_dual()
  double exponent;                      ///< see ProblemFacts::plan_error()
};

/// Bounds of the unregularized optimum, over the mass.
struct PlanBounds {
  double upper, lower;
};
inline PlanBounds bound_plan(const ProblemFacts& facts, const PlanTotals& t) {
  constexpr double most_rounding = 0.03;  // beyond, nothing is left of the plan's digits
  const double r = facts.plan_error(t.exponent), hidden = facts.minimum_error;
  const double plan =
      (t.kept_cost + completion_cost(t.product, t.gap, r)) * (1 + 3 * r) + facts.cost_error;
  const double most = facts.bound + facts.cost_error;
  const double dual = certain_dual(t.first, t.second, t.size, t.largest, facts.cost_terms,
                                   facts.cost_error, sum_rounding(facts.terms));
  return {(r < most_rounding ? plan : most) + (facts.minimum + hidden),
          (dual > 0 ? dual : 0.0) + (facts.minimum - hidden)};
}

}  // namespace otfleet::kernels

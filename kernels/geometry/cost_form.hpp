#pragma once
#include <cmath>
#include <stdexcept>

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/lanes/pack.hpp"

namespace otfleet::kernels {

/// How a kernel gets a cost from sums over coordinates, of products x_k y_k or of squared
/// differences. Differences lose nothing where points are close, and are 0 where they are equal;
/// products need one operation less.
enum class CostForm {
  product,  ///< −sum of products: what is left of |x − y|² and of the cosine once potentials have
            ///< taken up the terms of single points
  squared,   ///< sum of squared differences
  distance,  ///< its root
  power,     ///< its power p/2
  cosine,    ///< half of it, of unit vectors
  matrix,    ///< an entry of a matrix, no sum
  angle,     ///< 2 arctan(|x − y|/|x + y|), of unit vectors: accurate at every angle
};

/// What is summed over the coordinates of a pair.
template <CostForm form, class Pack>
struct CostSum {
  using Type = Pack;
};
template <class Pack>
struct CostSum<CostForm::angle, Pack> {
  struct Type {
    Pack apart;     ///< |x − y|²
    Pack together;  ///< |x + y|²

    Type() = default;
    KOKKOS_FORCEINLINE_FUNCTION explicit Type(const Pack& start) : apart(start), together(start) {}
  };
};
template <CostForm form, class Pack>
using CostSumOf = typename CostSum<form, Pack>::Type;

/// sum plus what one coordinate adds to it.
template <CostForm form, class Sum, class Pack>
KOKKOS_FORCEINLINE_FUNCTION Sum add_coordinate(Sum sum, const Pack& x, const Pack& y) {
  if constexpr (form == CostForm::product) {
    return sum + x * y;
  } else {
    const Pack difference = x - y;
    if constexpr (form == CostForm::angle) {
      const Pack total = x + y;
      sum.apart = sum.apart + difference * difference;
      sum.together = sum.together + total * total;
      return sum;
    } else {
      return sum + difference * difference;
    }
  }
}

/// The number that forms need, as CloudProblems::power holds it: p, and of a great circle what
/// makes arccos(<x, y>/divisor) of both squares, |x ∓ y|² + 2 (divisor − 1).
inline double form_power(GroundCost kind, double power, double divisor) {
  return kind == GroundCost::great_circle ? 4 * (divisor - 1) : power;
}

/// The cost from the finished sum; `half_power`: half of form_power().
template <CostForm form, class Scalar, class Pack>
KOKKOS_FORCEINLINE_FUNCTION Pack cost_from_sum(const CostSumOf<form, Pack>& sum,
                                               const Pack& half_power) {
  if constexpr (form == CostForm::product) return Pack(Scalar(0)) - sum;
  if constexpr (form == CostForm::squared) return sum;
  if constexpr (form == CostForm::distance) return sqrt(sum);
  if constexpr (form == CostForm::power) {
    const Pack none(Scalar(0)), tiny(Kokkos::Experimental::norm_min<Scalar>::value);
    const Pack logarithm = log2_normal(max(sum, tiny));
    return if_greater(sum, none, exp2_bounded(half_power * logarithm), none);
  }
  if constexpr (form == CostForm::cosine) return Pack(Scalar(0.5)) * sum;
  if constexpr (form == CostForm::angle)
    return angle_between(sum.apart + half_power, sum.together + half_power);
}

template <CostForm form_>
struct CostFormConstant {
  static constexpr CostForm form = form_;
};

/// Calls function(CostFormConstant<form>()) with the form that gives this cost itself.
template <class Function>
void with_cost_form(GroundCost kind, const Function& function) {
  switch (kind) {
    case GroundCost::squared_euclidean:
      return function(CostFormConstant<CostForm::squared>());
    case GroundCost::euclidean:
      return function(CostFormConstant<CostForm::distance>());
    case GroundCost::power:
      return function(CostFormConstant<CostForm::power>());
    case GroundCost::cosine:
      return function(CostFormConstant<CostForm::cosine>());
    case GroundCost::great_circle:
      return function(CostFormConstant<CostForm::angle>());
    case GroundCost::matrix:
      throw std::logic_error("a stored matrix is no cost between points");
  }
}

/// The same with the form in which a Sinkhorn iteration sees this cost.
template <class Function>
void with_iteration_form(GroundCost kind, const Function& function) {
  switch (kind) {
    case GroundCost::squared_euclidean:
    case GroundCost::cosine:
      return function(CostFormConstant<CostForm::product>());
    case GroundCost::euclidean:
      return function(CostFormConstant<CostForm::distance>());
    case GroundCost::power:
      return function(CostFormConstant<CostForm::power>());
    case GroundCost::great_circle:
      return function(CostFormConstant<CostForm::angle>());
    case GroundCost::matrix:
      throw std::logic_error("a stored matrix is no cost between points");
  }
}

/// Both, for kernels that read stored costs too.
template <class Function>
void with_any_cost_form(GroundCost kind, const Function& function) {
  if (kind == GroundCost::matrix) return function(CostFormConstant<CostForm::matrix>());
  with_cost_form(kind, function);
}
template <class Function>
void with_any_iteration_form(GroundCost kind, const Function& function) {
  if (kind == GroundCost::matrix) return function(CostFormConstant<CostForm::matrix>());
  with_iteration_form(kind, function);
}

/// What an iteration does to points for that form, with costs in units of 1/scale:
/// −scale |x − y|² = 2 scale <x, y> − …; both sides get the root, so that rounded coordinates are
/// the same in both directions.
struct IterationUnits {
  double factor;      ///< of the coordinates
  double norm_scale;  ///< potentials have taken up −norm_scale |x|²
};
inline IterationUnits iteration_units(GroundCost kind, double scale) {
  if (kind == GroundCost::squared_euclidean) return {std::sqrt(2 * scale), scale};
  return {kind == GroundCost::cosine ? std::sqrt(scale) : 1.0, 0.0};
}

}  // namespace otfleet::kernels

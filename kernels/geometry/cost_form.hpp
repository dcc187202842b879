#pragma once
#include "kernels/geometry/ground_cost.hpp"
#include "kernels/host_device.hpp"

// What kernels take in the place of a ground cost.

namespace otfleet::kernels {

/// −<x, y>: what is left of a cost for an iteration whose potentials have taken up the terms of
/// single points, and whose points the scale (IterationUnits). Kernels then add the sum itself to
/// exponents.
struct ProductForm {
  template <class Pack>
  using Sum = Pack;
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack add(const Pack& sum, const Pack& x, const Pack& y) {
    return sum + x * y;
  }
};

/// An entry of a stored matrix, whatever it stands for; no sum over coordinates.
struct StoredCost {
  template <class Pack>
  using Sum = Pack;
  template <class Scalar, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack from_sum(const Pack& entry) const {
    return entry;
  }
  /// No entry is larger than `reach`.
  static double bound(double reach, int /*dimension*/) { return reach; }
  /// Of entries less their smallest one.
  static double rounding(int /*dimension*/, double /*reach*/, double bound) {
    return one_rounding * bound;
  }
  static IterationUnits iteration_units(double /*scale*/) { return {}; }
};

template <class Cost>
inline constexpr bool is_product = std::is_same_v<Cost, ProductForm>;
template <class Cost>
inline constexpr bool is_stored = std::is_same_v<Cost, StoredCost>;

/// What a Sinkhorn iteration computes in the place of this cost.
template <class Cost>
auto iteration_form(const Cost& cost) {
  if constexpr (is_stored<Cost>)
    return cost;
  else if constexpr (Cost::leaves_product)
    return ProductForm();
  else
    return cost;
}

namespace detail {

template <class... Costs>
auto with_other_forms(std::type_identity<std::variant<Costs...>>)
    -> std::variant<Costs..., StoredCost, ProductForm>;

}  // namespace detail

/// Any form, for code that is compiled once for all of them.
using CostForm = decltype(detail::with_other_forms(std::type_identity<GroundCost>()));

}  // namespace otfleet::kernels

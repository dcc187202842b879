#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// w = tanh|x₁x₂| (1, ±1)/√2, the sign that of x₁x₂ (Scarvelis & Solomon 2023; 'X path').
struct CrossingLagrangian : DirectedLagrangian<CrossingLagrangian> {
  static constexpr const char* name = "crossing";
  static constexpr const char* meaning = "cheap along the diagonals, which cross";
  static constexpr PlaneBox box = {{-1.5, -1.5}, {1.5, 1.5}};

  static constexpr std::array<LagrangianParameter<CrossingLagrangian>, 1> parameters = {
      {{&CrossingLagrangian::along, "along",
        "what the metric has along its cheap direction, 1 across", "> 0 and <= 1", is_share}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION void direction(const Pack* x, Pack* w, Pack* change) const {
    const Pack zero(0.0), one(1.0), two(2.0), root(0.70710678118654752440);
    const Pack product = x[0] * x[1], size = abs(product);
    // tanh, and its derivative 1 − tanh², without exponents that overflow.
    const Pack rest = exp(zero - two * size), tanh = (one - rest) / (one + rest);
    const Pack side = if_greater(product, zero, one, zero - one);
    const Pack length = side * tanh, slope = one - tanh * tanh;
    w[0] = root * length;
    w[1] = root * tanh;
    // The sign of w does not count: (s, 1) tanh|p| /√2 is (1, s) tanh|p| /√2 times s.
    change[0] = root * slope * x[1];
    change[1] = root * slope * x[0];
    change[2] = side * change[0];
    change[3] = side * change[1];
  }
};

}  // namespace otfleet::kernels

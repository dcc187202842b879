#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// w = (1, ±1)/√2, the sign that of x₂: mass that splits (Scarvelis & Solomon 2023). The sign is
/// s = x₂/√(x₂² + width²) and w = (1, s)/√(1 + s²), so that there are derivatives.
struct VeeLagrangian : DirectedLagrangian<VeeLagrangian> {
  static constexpr const char* name = "vee";
  static constexpr const char* meaning = "cheap along a V that opens to the right";
  static constexpr PlaneBox box = {{-2.5, -15}, {15, 15}};

  double width = 0.1;  ///< of the change at x₂ = 0
  static constexpr std::array<LagrangianParameter<VeeLagrangian>, 2> parameters = {
      {{&VeeLagrangian::along, "along", "what the metric has along its cheap direction, 1 across",
        "> 0 and <= 1", is_share},
       {&VeeLagrangian::width, "width", "of the change of direction on the axis", "> 0",
        is_positive}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION void direction(const Pack* x, Pack* w, Pack* change) const {
    const Pack one(1.0), zero(0.0), square(width * width);
    const Pack to_axis = one / sqrt(x[1] * x[1] + square);
    const Pack sign = x[1] * to_axis, sign_slope = square * to_axis * to_axis * to_axis;
    const Pack inverse = one / sqrt(one + sign * sign), cube = inverse * inverse * inverse;
    w[0] = inverse;
    w[1] = sign * inverse;
    change[0] = change[2] = zero;
    change[1] = zero - sign * cube * sign_slope;
    change[3] = cube * sign_slope;
  }
};

}  // namespace otfleet::kernels

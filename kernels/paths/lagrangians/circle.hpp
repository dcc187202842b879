#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// w = (−x₂, x₁)/|x| (Scarvelis & Solomon 2023, 'Riemannian metric learning via optimal
/// transport').
struct CircleLagrangian : DirectedLagrangian<CircleLagrangian> {
  static constexpr const char* name = "circle";
  static constexpr const char* meaning = "cheap along circles around the origin";
  static constexpr PlaneBox box = {{-1.5, -1.5}, {1.5, 1.5}};

  static constexpr std::array<LagrangianParameter<CircleLagrangian>, 1> parameters = {
      {{&CircleLagrangian::along, "along",
        "what the metric has along its cheap direction, 1 across", "> 0 and <= 1", is_share}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION void direction(const Pack* x, Pack* w, Pack* change) const {
    const Pack zero(0.0), tiny(1e-12);
    const Pack square = max(x[0] * x[0] + x[1] * x[1], tiny), inverse = Pack(1.0) / sqrt(square);
    const Pack cube = inverse / square;
    w[0] = zero - x[1] * inverse;
    w[1] = x[0] * inverse;
    change[0] = x[0] * x[1] * cube;
    change[1] = zero - x[0] * x[0] * cube;
    change[2] = x[1] * x[1] * cube;
    change[3] = zero - x[0] * x[1] * cube;
  }
};

}  // namespace otfleet::kernels

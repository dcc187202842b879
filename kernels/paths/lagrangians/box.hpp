#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// A square of side 1 around the origin (Koshizuka & Sato 2023, 'Neural Lagrangian Schrödinger
/// bridge'; arXiv 2406.00288: M = 0.01, temperature annealed from 0.1 to 0.01).
struct BoxLagrangian : BarrierLagrangian<BoxLagrangian> {
  static constexpr const char* name = "box";
  static constexpr const char* meaning = "a square that paths go around or through";
  static constexpr PlaneBox box = {{-1.5, -1.5}, {1.5, 1.5}};

  double strength = 3.61;     ///< of the barrier, in units of the cost
  double temperature = 0.01;  ///< width of its edges
  static constexpr std::array<LagrangianParameter<BoxLagrangian>, 2> parameters = {
      {{&BoxLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative},
       {&BoxLagrangian::temperature, "temperature", "width of a barrier's edges", "> 0",
        is_positive}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    Pack slope_x, slope_y;
    const Pack inside_x = between(x[0], -0.5, 0.5, temperature, slope_x);
    const Pack inside_y = between(x[1], -0.5, 0.5, temperature, slope_y);
    const Pack scale(strength);
    slope[0] = scale * slope_x * inside_y;
    slope[1] = scale * inside_x * slope_y;
    return scale * inside_x * inside_y;
  }
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// A wall, |x₁| <= 0.1, that is open where |x₂| <= 0.25 (Koshizuka & Sato 2023; arXiv 2406.00288:
/// M = 1, temperature annealed from 0.1 to 0.01).
struct SlitLagrangian : BarrierLagrangian<SlitLagrangian> {
  static constexpr const char* name = "slit";
  static constexpr const char* meaning = "a wall with a slit in the middle";
  static constexpr PlaneBox box = {{-1.5, -1.5}, {1.5, 1.5}};

  double strength = 361;      ///< of the barrier, in units of the cost
  double temperature = 0.01;  ///< width of its edges
  static constexpr std::array<LagrangianParameter<SlitLagrangian>, 2> parameters = {
      {{&SlitLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative},
       {&SlitLagrangian::temperature, "temperature", "width of a barrier's edges", "> 0",
        is_positive}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    Pack slope_x, slope_y;
    const Pack wall = between(x[0], -0.1, 0.1, temperature, slope_x);
    const Pack open = between(x[1], -0.25, 0.25, temperature, slope_y);
    const Pack scale(strength), closed = Pack(1.0) - open;
    slope[0] = scale * slope_x * closed;
    slope[1] = Pack(0.0) - scale * wall * slope_y;
    return scale * wall * closed;
  }
};

}  // namespace otfleet::kernels

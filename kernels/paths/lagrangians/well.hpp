#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// |x|² times the strength (Koshizuka & Sato 2023; arXiv 2406.00288: M = 0.01): paths are pulled to
/// the origin. Their closed form is that of a linear equation, γ'' = 2 strength γ.
struct WellLagrangian : BarrierLagrangian<WellLagrangian> {
  static constexpr const char* name = "well";
  static constexpr const char* meaning = "it costs to be far from the origin";
  static constexpr PlaneBox box = {{-2, -2}, {2, 2}};

  double strength = 3.61;  ///< of the barrier, in units of the cost
  static constexpr std::array<LagrangianParameter<WellLagrangian>, 1> parameters = {
      {{&WellLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    const Pack scale(strength), twice(2 * strength);
    for (int i = 0; i < 2; ++i) slope[i] = twice * x[i];
    return scale * (x[0] * x[0] + x[1] * x[1]);
  }
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// exp(−|x|²) times the strength (Koshizuka & Sato 2023; arXiv 2406.00288: M = 0.05).
struct HillLagrangian : BarrierLagrangian<HillLagrangian> {
  static constexpr const char* name = "hill";
  static constexpr const char* meaning = "a round hill at the origin";
  static constexpr PlaneBox box = {{-2, -2}, {2, 2}};

  double strength = 18.05;  ///< of the barrier, in units of the cost
  static constexpr std::array<LagrangianParameter<HillLagrangian>, 1> parameters = {
      {{&HillLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    const Pack height = Pack(strength) * exp(Pack(0.0) - x[0] * x[0] - x[1] * x[1]);
    const Pack factor = Pack(-2.0) * height;
    for (int i = 0; i < 2; ++i) slope[i] = factor * x[i];
    return height;
  }
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// The passage x₂² <= 0.36 + 5 x₁² (Liu et al. 2022; arXiv 2406.00288: M = 0.1, temperature
/// annealed from 1 to 0.1).
struct VNeckLagrangian : BarrierLagrangian<VNeckLagrangian> {
  static constexpr const char* name = "v_neck";
  static constexpr const char* meaning = "a narrow neck between two hyperbolas";
  static constexpr PlaneBox box = {{-10, -8}, {10, 8}};

  double strength = 36.1;    ///< of the barrier, in units of the cost
  double temperature = 0.1;  ///< width of its edges
  static constexpr std::array<LagrangianParameter<VNeckLagrangian>, 2> parameters = {
      {{&VNeckLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative},
       {&VNeckLagrangian::temperature, "temperature", "width of a barrier's edges", "> 0",
        is_positive}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    const Pack scale(strength), one(1.0), sharp(1 / temperature), twice(2.0), five(5.0);
    const Pack share = sigmoid((x[1] * x[1] - five * x[0] * x[0] - Pack(0.36)) * sharp);
    const Pack factor = twice * scale * sharp * share * (one - share);
    slope[0] = Pack(0.0) - factor * five * x[0];
    slope[1] = factor * x[1];
    return scale * share;
  }
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// The ellipses 20 (x₁ − c₁)² + (x₂ − c₂)² <= 90 around (5, 6) and (−5, −6) (Liu et al. 2022;
/// arXiv 2406.00288: M = 0.1, temperature annealed from 1 to 0.1).
struct STunnelLagrangian : BarrierLagrangian<STunnelLagrangian> {
  static constexpr const char* name = "s_tunnel";
  static constexpr const char* meaning = "two ellipses that leave an S-shaped tunnel";
  static constexpr PlaneBox box = {{-15, -7.5}, {15, 7.5}};

  double strength = 36.1;    ///< of the barrier, in units of the cost
  double temperature = 0.1;  ///< width of its edges
  static constexpr std::array<LagrangianParameter<STunnelLagrangian>, 2> parameters = {
      {{&STunnelLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative},
       {&STunnelLagrangian::temperature, "temperature", "width of a barrier's edges", "> 0",
        is_positive}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    const double centers[2][2] = {{5, 6}, {-5, -6}};
    const Pack scale(strength), one(1.0), sharp(1 / temperature), twice(2.0), wide(20.0),
        reach(90.0);
    Pack sum(0.0);
    slope[0] = slope[1] = Pack(0.0);
    for (const auto& center : centers) {
      const Pack off_x = x[0] - Pack(center[0]), off_y = x[1] - Pack(center[1]);
      const Pack share = sigmoid((reach - wide * off_x * off_x - off_y * off_y) * sharp);
      const Pack factor = twice * scale * sharp * share * (one - share);
      sum = sum + scale * share;
      slope[0] = slope[0] - factor * wide * off_x;
      slope[1] = slope[1] - factor * off_y;
    }
    return sum;
  }
};

}  // namespace otfleet::kernels

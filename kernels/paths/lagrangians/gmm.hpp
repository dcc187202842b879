#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// Discs of radius 1.5 around (6, 6), (6, −6) and (−6, −6) (Liu et al. 2022, 'Deep generalized
/// Schrödinger bridge'; arXiv 2406.00288: M = 0.1, temperature annealed from 1 to 0.1).
struct GmmLagrangian : BarrierLagrangian<GmmLagrangian> {
  static constexpr const char* name = "gmm";
  static constexpr const char* meaning = "three discs on the way from the middle to a circle";
  static constexpr PlaneBox box = {{-20, -20}, {20, 20}};

  double strength = 36.1;    ///< of the barrier, in units of the cost
  double temperature = 0.1;  ///< width of its edges
  static constexpr std::array<LagrangianParameter<GmmLagrangian>, 2> parameters = {
      {{&GmmLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative},
       {&GmmLagrangian::temperature, "temperature", "width of a barrier's edges", "> 0",
        is_positive}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    const double centers[3][2] = {{6, 6}, {6, -6}, {-6, -6}};
    const Pack scale(strength), one(1.0), sharp(1 / temperature), radius(1.5), tiny(1e-30);
    Pack sum(0.0);
    slope[0] = slope[1] = Pack(0.0);
    for (const auto& center : centers) {
      const Pack off_x = x[0] - Pack(center[0]), off_y = x[1] - Pack(center[1]);
      const Pack distance = sqrt(max(off_x * off_x + off_y * off_y, tiny));
      const Pack share = sigmoid((radius - distance) * sharp);
      const Pack factor = scale * sharp * share * (one - share) / distance;
      sum = sum + scale * share;
      slope[0] = slope[0] - factor * off_x;
      slope[1] = slope[1] - factor * off_y;
    }
    return sum;
  }
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// Two walls. The first, −0.5 <= x₁ <= −0.3, is open where −1.99 <= x₂ <= −0.15, the second,
/// 0.3 <= x₁ <= 0.5, where 0.15 <= x₂ <= 1.99 (arXiv 2406.00288: M = 10, temperature annealed from
/// 0.1 to 0.01).
struct BabyMazeLagrangian : BarrierLagrangian<BabyMazeLagrangian> {
  static constexpr const char* name = "baby_maze";
  static constexpr const char* meaning = "two walls, open at opposite ends";
  static constexpr PlaneBox box = {{-2, -2}, {2, 2}};

  double strength = 3610;     ///< of the barrier, in units of the cost
  double temperature = 0.01;  ///< width of its edges
  static constexpr std::array<LagrangianParameter<BabyMazeLagrangian>, 2> parameters = {
      {{&BabyMazeLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative},
       {&BabyMazeLagrangian::temperature, "temperature", "width of a barrier's edges", "> 0",
        is_positive}}};

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* x, Pack* slope, int /*count*/) const {
    const Pack scale(strength), one(1.0);
    Pack first_x, first_y, second_x, second_y;
    const Pack first = between(x[0], -0.5, -0.3, temperature, first_x);
    const Pack first_closed = one - between(x[1], -1.99, -0.15, temperature, first_y);
    const Pack second = between(x[0], 0.3, 0.5, temperature, second_x);
    const Pack second_closed = one - between(x[1], 0.15, 1.99, temperature, second_y);
    slope[0] = scale * (first_x * first_closed + second_x * second_closed);
    slope[1] = Pack(0.0) - scale * (first * first_y + second * second_y);
    return scale * (first * first_closed + second * second_closed);
  }
};

}  // namespace otfleet::kernels

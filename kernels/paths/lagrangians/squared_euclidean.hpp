#pragma once
#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// ½ |v|²: paths are straight, and the cost is ½ |y − x|².
struct SquaredEuclideanLagrangian : BarrierLagrangian<SquaredEuclideanLagrangian> {
  static constexpr const char* name = "squared_euclidean";
  static constexpr const char* meaning = "straight lines, half of the squared distance";
  static constexpr int dimension = 0;

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack barrier(const Pack* /*x*/, Pack* slope, int count) const {
    for (int i = 0; i < count; ++i) slope[i] = Pack(0.0);
    return Pack(0.0);
  }
};

}  // namespace otfleet::kernels

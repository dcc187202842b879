#pragma once
#include <memory>
#include <vector>

#include "kernels/geometry/separable_cost.hpp"
#include "kernels/kokkos_compat.hpp"
#include "kernels/lanes/region.hpp"

namespace otfleet::kernels {

/// One direction of one axis on the device: table[in][out], row-major. `linear` flushes to zero
/// what Scalar cannot hold; mantissa · 2^exponent (ExtendedRange) never does, and lies transposed,
/// [out][in]: it serves single outputs.
template <class Scalar>
struct AxisTable {
  const Scalar* linear = nullptr;
  const Scalar* mantissa = nullptr;
  const Scalar* exponent = nullptr;
  int in = 0, out = 0;
};

/// One direction of all axes: what a kernel needs to apply the operator once, to inputs in the
/// region `from`, for outputs in the region `to`.
template <class Scalar>
struct AxisChain {
  AxisTable<Scalar> axis[SeparableCost::max_axes];
  int axes = 0;
  Region from, to;

  KOKKOS_INLINE_FUNCTION int in_points() const {
    return from.length[0] * from.length[1] * from.length[2];
  }
  KOKKOS_INLINE_FUNCTION int out_points() const {
    return to.length[0] * to.length[1] * to.length[2];
  }
  KOKKOS_INLINE_FUNCTION AxisChain within(const Region& inputs, const Region& outputs) const {
    AxisChain cropped = *this;
    cropped.from = inputs;
    cropped.to = outputs;
    return cropped;
  }
};

/// Device tables of a cost for one epsilon. With C~_d = C_d − min C_d on every axis (the minimum is
/// added back to g, so a large offset of the cost is harmless):
///   gibbs        exp(−C~_d/epsilon)                 transport plans
///   weighted(d)  the same with axis d multiplied by C~_d   costs of transport plans
///   cost         C~_d                                c-transforms
///   rank_one(d)  C~_d on axis d, ones elsewhere      cost of a product plan
/// `to_target` sums over source points, `to_source` over target points.
template <class ExecutionSpace, class Scalar>
class GibbsKernel {
 public:
  enum class Direction { to_target, to_source };

  /// `for_certificate` also makes the tables other than `gibbs`.
  GibbsKernel(const SeparableCost& cost, double epsilon, bool for_certificate = false);

  int axes() const { return static_cast<int>(shape_.size()); }
  AxisChain<Scalar> gibbs(Direction direction) const {
    return chain(direction, -1, exponential, exponential);
  }
  AxisChain<Scalar> weighted(int axis, Direction direction) const {
    return chain(direction, axis, times_cost, exponential);
  }
  AxisChain<Scalar> cost(Direction direction) const {
    return chain(direction, -1, plain_cost, plain_cost);
  }
  AxisChain<Scalar> rank_one(int axis, Direction direction) const {
    return chain(direction, axis, plain_cost, ones);
  }

 private:
  enum Kind { exponential, times_cost, plain_cost, ones, kinds };
  AxisChain<Scalar> chain(Direction direction, int special, Kind at_special, Kind elsewhere) const;

  struct Shape {
    int n, m;
    std::size_t offset[2][kinds];
  };
  std::vector<Shape> shape_;
  std::size_t size_ = 0;  ///< of the linear tables; mantissas and exponents follow them
  Kokkos::View<Scalar*, typename ExecutionSpace::memory_space> tables_;
};

/// The tables of `cost` at `epsilon`, from its TableCache.
template <class ExecutionSpace, class Scalar>
std::shared_ptr<const GibbsKernel<ExecutionSpace, Scalar>> gibbs_kernel(
    const SeparableCost& cost, double epsilon, bool for_certificate = false);

}  // namespace otfleet::kernels

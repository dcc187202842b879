#pragma once
#include "kernels/device_array.hpp"

namespace otfleet::kernels {

/// A function f on R^D, known by its values and gradients at points, as PotentialOracle has it.
/// Scalar is float or double.
template <class Scalar>
class Oracle {
 public:
  virtual ~Oracle() = default;

  virtual int dimension() const = 0;

  /// value[k] = f(x_k) and row k of gradient = ∇f(x_k), where x_k is row k of points [K, D], for
  /// any K up to the largest that it was made for; `value` may be longer. Where f has no value it
  /// may give NaN or infinity. What it reads may still be on its way, on the default stream: an
  /// oracle that does not queue its work there calls fence() first.
  virtual void evaluate(const DeviceArray<const Scalar, 2>& points,
                        const DeviceArray<Scalar>& value,
                        const DeviceArray<Scalar, 2>& gradient) = 0;
};

}  // namespace otfleet::kernels

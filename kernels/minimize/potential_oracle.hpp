#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// A function f on R^D, known by its values and gradients at points: a network, or a formula.
template <class ExecutionSpace, class Scalar>
class PotentialOracle {
 public:
  virtual ~PotentialOracle() = default;

  virtual int dimension() const = 0;

  /// value[k] = f(x_k) and row k of gradient = ∇f(x_k), where x_k is row k of points [K, D], for
  /// any K up to the largest that it was made for. Rows are independent: the values of one do not
  /// depend on the others, but for rounding. Where f has no value it may give NaN or infinity.
  virtual void evaluate(const ExecutionSpace& space,
                        const Matrix<const Scalar, ExecutionSpace>& points,
                        const Vector<Scalar, ExecutionSpace>& value,
                        const Matrix<Scalar, ExecutionSpace>& gradient) = 0;
};

}  // namespace otfleet::kernels

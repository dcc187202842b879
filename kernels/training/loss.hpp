#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

struct Loss {
  double value = 0;        ///< minus the sum of dual values, over `batch`
  double first_error = 0;  ///< the sum of |a − P1|_1, over `batch`
};

/// This rank's part of the loss of Meta OT, the mean over a batch of minus the dual value, from
/// what semi_dual() gave for its share of the batch: value [B] and gradient [B, n]. `gradient`
/// becomes the derivative of the loss with respect to f. Local.
template <class ExecutionSpace>
Loss negative_mean_dual(const ExecutionSpace& space,
                        const Vector<const double, ExecutionSpace>& value,
                        const Matrix<double, ExecutionSpace>& gradient, double batch);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/training/loss_sums.hpp"

namespace otfleet::kernels {

/// This rank's part of the loss of Meta OT, the mean over a batch of minus the dual value, from
/// what semi_dual() gave for its share of the batch: value [B] and gradient [B, n]. `gradient`
/// becomes the derivative of the loss with respect to f. Local.
template <class ExecutionSpace>
Loss negative_mean_dual(const ExecutionSpace& space,
                        const Vector<const double, ExecutionSpace>& value,
                        const Matrix<double, ExecutionSpace>& gradient, double batch);

/// This rank's part of the mean over a batch of a distance between predictions f and solved
/// potentials t, both [B, n] and defined up to a constant,
///   min_c  1/(2 epsilon) sum_i a_i (f_i − t_i − c)²,
/// in units of the cost times mass; a [B, n], points without weight count for nothing. The dual
/// value weighs each part of f − t by how fast Sinkhorn's iteration mends it, the slow ones hardly
/// at all; this weighs all alike, and the slow ones are what iterations are spent on. `gradient`
/// [B, n] becomes the derivative with respect to f. Returns the value. Local. Source: ours, after
/// the fixed-point loss of Sambharya et al. 2024, 'Learning to warm-start fixed-point optimization
/// algorithms'.
template <class ExecutionSpace>
double potential_distance(const ExecutionSpace& space,
                          const Matrix<const double, ExecutionSpace>& a,
                          const Matrix<const double, ExecutionSpace>& f,
                          const Matrix<const double, ExecutionSpace>& target, double epsilon,
                          double batch, const Matrix<double, ExecutionSpace>& gradient);

}  // namespace otfleet::kernels

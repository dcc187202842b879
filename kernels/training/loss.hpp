#pragma once
#include <cstdint>

#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// The loss of Meta OT, the mean over a batch of minus the dual value, from what semi_dual() gave
/// for this rank's share of the batch: value [B] and gradient, flat. `gradient` becomes the
/// derivative of the loss with respect to f. loss [2]: this rank's parts of the loss, and of the
/// mean of |a − P1|_1. Local; does not wait.
template <class ExecutionSpace>
void negative_mean_dual(const ExecutionSpace& space,
                        const Vector<const double, ExecutionSpace>& value,
                        const Vector<double, ExecutionSpace>& gradient, double batch,
                        const Vector<double, ExecutionSpace>& loss);

/// This rank's part of the mean over a batch of a distance between predictions f and solved
/// potentials t, flat and defined up to a constant for every problem,
///   min_c  1/(2 epsilon) sum_i a_i (f_i − t_i − c)²,
/// in units of the cost times mass; a flat, points without weight count for nothing. Problem k has
/// the entries begin(k) … begin(k + 1) − 1, begin [B + 1]. The dual
/// value weighs each part of f − t by how fast Sinkhorn's iteration mends it, the slow ones hardly
/// at all; this weighs all alike, and the slow ones are what iterations are spent on. `gradient`
/// becomes the derivative with respect to f, distance [1] the value. Local; does not wait.
/// Source: ours, after the fixed-point loss of Sambharya et al. 2024, 'Learning to warm-start
/// fixed-point optimization algorithms'.
template <class ExecutionSpace>
void potential_distance(const ExecutionSpace& space,
                        const Vector<const std::int64_t, ExecutionSpace>& begin,
                        const Vector<const double, ExecutionSpace>& a,
                        const Vector<const double, ExecutionSpace>& f,
                        const Vector<const double, ExecutionSpace>& target, double epsilon,
                        double batch, const Vector<double, ExecutionSpace>& gradient,
                        const Vector<double, ExecutionSpace>& distance);

}  // namespace otfleet::kernels

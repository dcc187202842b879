#pragma once
#include "kernels/minimize/conjugate.hpp"
#include "kernels/training/loss_sums.hpp"

namespace otfleet::kernels {

/// difference [B, D] = scale (a − b). Local.
template <class ExecutionSpace>
void scaled_difference(const ExecutionSpace& space, const Matrix<const float, ExecutionSpace>& a,
                       const Matrix<const float, ExecutionSpace>& b, double scale,
                       const Matrix<float, ExecutionSpace>& difference);

/// The dual objective of samples x and y (Amos 2022, equation 3), f_x [B] = f(x) and `conjugates`
/// the minimizers for y, and the weights [2 B] of f at the x and the minimizers in its gradient
/// (Danskin): 1/batch and −1/batch. Where f has no finite minimizer (ConjugateStatus unbounded,
/// not_finite) the weight is zero, nothing is added for y, and the row of `minimizers` [B, D]
/// becomes zero, so that nothing infinite is multiplied by the weight. Local.
template <class ExecutionSpace>
DualLoss dual_loss(const ExecutionSpace& space, const Vector<const float, ExecutionSpace>& f_x,
                   const Conjugates<ExecutionSpace, float>& conjugates, double batch,
                   const Matrix<float, ExecutionSpace>& minimizers,
                   const Vector<float, ExecutionSpace>& weights);

/// Sets the rows of such points to zero: what their slopes are has no meaning. Local.
template <class ExecutionSpace>
void clear_lost_rows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& status,
                     const Matrix<float, ExecutionSpace>& rows);

/// Multiplies the rows of points whose minimizer a bow led to (bow >= 0), not the predicted path,
/// by a factor. Local.
template <class ExecutionSpace>
void weigh_bows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& bow,
                double factor, const Matrix<float, ExecutionSpace>& rows);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/minimize/conjugate.hpp"
#include "kernels/training/expectile_settings.hpp"

namespace otfleet::kernels {

/// Expectile regularization of potentials (Buzun et al. 2024, 'ENOT', arXiv 2403.03777): adds
/// λ mean L_τ(d) to the dual loss, with L_τ(d) = |τ − 1(d < 0)| d² and d = <x, y> − f(x) − f*(y)
/// over the pairs of samples (x_k, y_k), f* as the conjugates have it. Multiplies the weights [2 B]
/// of dual_loss(), at the x and at the minimizers for the y, by 1 − 2 λ |τ − 1(d < 0)| d, the same
/// for both of a pair. A pair without a finite minimizer keeps its weights.
///
/// x and y [B, D]; f_x [B] = f(x). Local; does not wait.
template <class ExecutionSpace>
void expectile_weights(const ExecutionSpace& space, const ExpectileSettings& settings,
                       const Matrix<const float, ExecutionSpace>& x,
                       const Matrix<const float, ExecutionSpace>& y,
                       const Vector<const float, ExecutionSpace>& f_x,
                       const Conjugates<ExecutionSpace, float>& conjugates,
                       const Vector<float, ExecutionSpace>& weights);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/training/adam_settings.hpp"

namespace otfleet::kernels {

/// One step of Adam (Kingma & Ba 2015, algorithm 1), with decoupled weight decay AdamW (Loshchilov
/// & Hutter 2019), over all parameters in one pass. The gradient
/// is first scaled down to the norm `clip` where it is longer (0: never); squared_norm [1] is what
/// the function of that name found. `step` counts from 1. All other arrays have one size; both
/// moments start as zero. Local; does not wait.
template <class ExecutionSpace>
void adam_step(const ExecutionSpace& space, const AdamSettings& settings, long step, double clip,
               const Vector<const double, ExecutionSpace>& squared_norm,
               const Vector<const float, ExecutionSpace>& gradient,
               const Vector<float, ExecutionSpace>& parameters,
               const Vector<float, ExecutionSpace>& first_moment,
               const Vector<float, ExecutionSpace>& second_moment);

/// sum [1] = the sum of squares, in double. Local; does not wait.
template <class ExecutionSpace>
void squared_norm(const ExecutionSpace& space, const Vector<const float, ExecutionSpace>& values,
                  const Vector<double, ExecutionSpace>& sum);

}  // namespace otfleet::kernels

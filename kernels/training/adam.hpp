#pragma once
#include "kernels/kokkos_compat.hpp"
#include "kernels/training/adam_settings.hpp"

namespace otfleet::kernels {

/// One step of Adam (Kingma & Ba 2015, algorithm 1), with decoupled weight decay AdamW (Loshchilov
/// & Hutter 2019), over all parameters in one pass. The gradient
/// is multiplied by `gradient_scale` first (the clip factor). `step` counts from 1. All arrays have
/// one size; both moments start as zero. Local.
template <class ExecutionSpace>
void adam_step(const ExecutionSpace& space, const AdamSettings& settings, long step,
               double gradient_scale, const Vector<const float, ExecutionSpace>& gradient,
               const Vector<float, ExecutionSpace>& parameters,
               const Vector<float, ExecutionSpace>& first_moment,
               const Vector<float, ExecutionSpace>& second_moment);

/// Sum of squares, in double. Local.
template <class ExecutionSpace>
double squared_norm(const ExecutionSpace& space, const Vector<const float, ExecutionSpace>& values);

}  // namespace otfleet::kernels

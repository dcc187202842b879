#pragma once
#include "kernels/device_array.hpp"
#include "kernels/training/adam_settings.hpp"

// The optimizer's step, as in training/adam.hpp. Local.

namespace otfleet::kernels {

/// One step of Adam or AdamW over all parameters, with the gradient cut down to the norm `clip` (0:
/// never). Does not wait.
void adam_step(const AdamSettings& settings, long step, double clip,
               const DeviceArray<const double>& squared_norm,
               const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
               const DeviceArray<float>& first_moment, const DeviceArray<float>& second_moment);

/// sum [1] = the sum of squares, in double. Does not wait.
void squared_norm(const DeviceArray<const float>& values, const DeviceArray<double>& sum);

}  // namespace otfleet::kernels

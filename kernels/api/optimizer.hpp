#pragma once
#include "kernels/device_array.hpp"
#include "kernels/training/adam_settings.hpp"

// The optimizer's step, as in training/adam.hpp. Local.

namespace otfleet::kernels {

/// One step of Adam or AdamW over all parameters; all arrays have one size.
void adam_step(const AdamSettings& settings, long step, double gradient_scale,
               const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
               const DeviceArray<float>& first_moment, const DeviceArray<float>& second_moment);

/// Sum of squares, in double.
double squared_norm(const DeviceArray<const float>& values);

}  // namespace otfleet::kernels

#include "kernels/api/optimizer.hpp"

#include "kernels/device_views.hpp"
#include "kernels/training/adam.hpp"

namespace otfleet::kernels {

void adam_step(const AdamSettings& settings, long step, double gradient_scale,
               const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
               const DeviceArray<float>& first_moment, const DeviceArray<float>& second_moment) {
  adam_step<DeviceSpace>(DeviceSpace(), settings, step, gradient_scale, view_of(gradient),
                         view_of(parameters), view_of(first_moment), view_of(second_moment));
}

double squared_norm(const DeviceArray<const float>& values) {
  return squared_norm<DeviceSpace>(DeviceSpace(), view_of(values));
}

}  // namespace otfleet::kernels

#include "kernels/api/optimizer.hpp"

#include "kernels/device_views.hpp"
#include "kernels/training/adam.hpp"

namespace otfleet::kernels {

void adam_step(const AdamSettings& settings, long step, double clip,
               const DeviceArray<const double>& squared_norm,
               const DeviceArray<const float>& gradient, const DeviceArray<float>& parameters,
               const DeviceArray<float>& first_moment, const DeviceArray<float>& second_moment) {
  adam_step<DeviceSpace>(DeviceSpace(), settings, step, clip, view_of(squared_norm),
                         view_of(gradient), view_of(parameters), view_of(first_moment),
                         view_of(second_moment));
}

void squared_norm(const DeviceArray<const float>& values, const DeviceArray<double>& sum) {
  squared_norm<DeviceSpace>(DeviceSpace(), view_of(values), view_of(sum));
}

}  // namespace otfleet::kernels

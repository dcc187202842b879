#include "kernels/api/learned_start.hpp"

#include "kernels/device_views.hpp"
#include "kernels/initializers/learned.hpp"
#include "kernels/initializers/network_inputs.hpp"

namespace otfleet::kernels {

void network_inputs(const DeviceArray<const double, 2>& weights,
                    const DeviceArray<const int>& index, const InputBlocks& blocks,
                    const DeviceArray<float, 2>& inputs) {
  network_inputs<DeviceSpace>(DeviceSpace(), view_of(weights), view_of(index),
                              {view_of(blocks.points), view_of(blocks.begin)}, view_of(inputs));
}

void learned_initializer(const DeviceArray<const float, 2>& phi,
                         const DeviceArray<const double, 2>& weights,
                         const DeviceArray<const int>& source_index, double epsilon,
                         const DeviceArray<double, 2>& f) {
  learned_initializer<DeviceSpace>(DeviceSpace(), view_of(phi), view_of(weights),
                                   view_of(source_index), epsilon, view_of(f));
}

}  // namespace otfleet::kernels

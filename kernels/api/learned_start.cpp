#include "kernels/api/learned_start.hpp"

#include "kernels/device_views.hpp"
#include "kernels/initializers/learned.hpp"
#include "kernels/initializers/network_inputs.hpp"
#include "kernels/initializers/output_grid.hpp"

namespace otfleet::kernels {

void network_inputs(const DeviceArray<const double, 2>& weights,
                    const DeviceArray<const int>& index, const InputBlocks& blocks,
                    const DeviceArray<float, 2>& inputs) {
  network_inputs<DeviceSpace>(DeviceSpace(), view_of(weights), view_of(index),
                              {view_of(blocks.points), view_of(blocks.begin)}, view_of(inputs));
}

void interpolate_output(const OutputInterpolation& grid, const DeviceArray<const float, 2>& output,
                        const DeviceArray<float, 2>& phi) {
  OutputGrid<DeviceSpace> views;
  for (int axis = 0; axis < 3; ++axis) {
    views.coarse[axis] = grid.coarse[axis];
    views.fine[axis] = grid.fine[axis];
  }
  views.below = view_of(grid.below);
  views.above = view_of(grid.above);
  views.share = view_of(grid.share);
  interpolate_output<DeviceSpace>(DeviceSpace(), views, view_of(output), view_of(phi));
}

void log_weight_rows(const DeviceArray<const double, 2>& weights,
                     const DeviceArray<const int>& measure, double epsilon,
                     const DeviceArray<double, 2>& rows) {
  log_weight_rows<DeviceSpace>(DeviceSpace(), view_of(weights), view_of(measure), epsilon,
                               view_of(rows));
}

void learned_initializer(const DeviceArray<const float, 2>& phi,
                         const DeviceArray<const double, 2>& log_weights,
                         const DeviceArray<const int>& row, const DeviceArray<double, 2>& f) {
  learned_initializer<DeviceSpace>(DeviceSpace(), view_of(phi), view_of(log_weights), view_of(row),
                                   view_of(f));
}

}  // namespace otfleet::kernels

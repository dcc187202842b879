#pragma once
#include "kernels/api/learned_start.hpp"
#include "kernels/device_views.hpp"
#include "kernels/problems/learned_start.hpp"

namespace otfleet::kernels::detail {

/// The same elements as the templates know them.
inline LearnedStart<DeviceSpace> learned_start(const NetworkStart& start) {
  LearnedStart<DeviceSpace> views;
  views.output = view_of(start.output);
  for (int axis = 0; axis < 3; ++axis) {
    views.grid.coarse[axis] = start.grid.coarse[axis];
    views.grid.fine[axis] = start.grid.fine[axis];
  }
  views.grid.below = view_of(start.grid.below);
  views.grid.above = view_of(start.grid.above);
  views.grid.share = view_of(start.grid.share);
  return views;
}

}  // namespace otfleet::kernels::detail

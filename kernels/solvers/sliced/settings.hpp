#pragma once

namespace otfleet::kernels {

/// How the direction is found along which two clouds are furthest apart.
struct MaxSlicedSettings {
  int starts = 4;           ///< the best of the random directions, each improved
  int steps = 200;          ///< at most, of each
  double threshold = 1e-3;  ///< on the slope that is left, a share of the distance
};

}  // namespace otfleet::kernels

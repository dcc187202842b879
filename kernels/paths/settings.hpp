#pragma once
#include <algorithm>

#include "kernels/minimize/settings.hpp"

namespace otfleet::kernels {

/// How least-action paths are found.
struct PathSettings {
  int nodes = 30;   ///< of the spline, both ends included, at least 3
  int points = 20;  ///< at which the action is summed, both ends included, at least 3
  /// Minimizations of each path, of which the best counts: from the straight line, and from bows to
  /// either side of it, each pair of them wider.
  int starts = 3;
  LbfgsSettings lbfgs = {.memory = 8, .max_steps = 300, .gradient_tolerance = 1e-5};

  /// Of a path, see PathBasis.
  int coefficients() const { return std::min(nodes, points) - 2; }
};

/// The number of the start that was predicted; 0 is the straight line.
inline constexpr int predicted_start = -1;

/// Between two points of the sum there are so many of the certificate.
inline constexpr int fine_points_per_point = 10;

}  // namespace otfleet::kernels

#pragma once

namespace otfleet::kernels {

/// Quadratic B-splines on a regular grid: `nodes` along each of `dimension` axes, the last axis
/// fastest. Their sum is 1 at every point with coordinates of at most `reach`; a point beyond
/// counts as the nearest one there.
struct SplineBasis {
  int dimension = 1, nodes = 3;

  static constexpr double reach = 3.2;
  constexpr int size() const {
    int size = 1;
    for (int p = 0; p < dimension; ++p) size *= nodes;
    return size;
  }
};
inline constexpr int most_spline_dimension = 3, fewest_spline_nodes = 3;

/// Numbers that spline_inputs() adds to those of the splines.
inline int extra_spline_inputs(const SplineBasis& basis) {
  return basis.dimension + 1;
}

/// One frame for all problems: the box between `lower` and `upper` fills the reach of the splines,
/// and potentials are multiples of `scale`.
struct FrameBox {
  double lower[most_spline_dimension] = {}, upper[most_spline_dimension] = {};
  double scale = 1;
};

}  // namespace otfleet::kernels

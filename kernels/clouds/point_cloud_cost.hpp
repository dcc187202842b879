#pragma once
#include "kernels/clouds/ground_cost.hpp"
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// The cost between two clouds of points, never stored as a matrix: C(i, j) = cost(x_i, y_j), in
/// the user's units. Lives on the device.
template <class ExecutionSpace>
class PointCloudCost {
 public:
  /// x [n, d] and y [m, d], d >= 1; `power` counts for GroundCost::power alone. Copies the points.
  /// Throws std::invalid_argument, naming the point: a coordinate that is not finite, a point 0
  /// (cosine), a point that is not a unit vector to 1e-5 (great circle); also no points or
  /// coordinates, dimensions that differ, a power that is not > 0 and finite, costs beyond the
  /// range of double.
  PointCloudCost(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& x,
                 const Matrix<const double, ExecutionSpace>& y, GroundCost kind, double power = 2);

  GroundCost kind() const { return kind_; }
  double power() const { return power_; }
  int n() const { return static_cast<int>(x_.extent(0)); }
  int m() const { return static_cast<int>(y_.extent(0)); }
  int dimension() const { return static_cast<int>(x_.extent(1)); }
  /// No cost is larger; costs are >= 0, but for the rounding of a cosine.
  double bound() const { return bound_; }
  /// No distance between a source and a target point, as kernels use them, is larger.
  double reach() const { return reach_; }

  /// The points as kernels use them: the mean of both clouds taken off where that changes no cost
  /// (an offset would cost digits), unit vectors for the cosine, divided by the root of the
  /// great circle's divisor.
  const Matrix<const double, ExecutionSpace>& x() const { return x_; }
  const Matrix<const double, ExecutionSpace>& y() const { return y_; }
  /// [n], [m]: the user's points in units of x() and y(), whose directions alone a cosine sees;
  /// empty for other costs.
  const Vector<const double, ExecutionSpace>& x_norm() const { return x_norm_; }
  const Vector<const double, ExecutionSpace>& y_norm() const { return y_norm_; }

 private:
  GroundCost kind_;
  double power_, bound_ = 0, reach_ = 0;
  Matrix<const double, ExecutionSpace> x_, y_;
  Vector<const double, ExecutionSpace> x_norm_, y_norm_;
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/geometry/ground_cost.hpp"
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// The cost between two clouds of points, never stored as a matrix: C(i, j) = cost(x_i, y_j), in
/// the user's units. Lives on the device.
template <class ExecutionSpace>
class PointCloudCost {
 public:
  /// x [n, d] and y [m, d], d >= 1. Copies the points. Throws std::invalid_argument, naming the
  /// point: a coordinate that is not finite, a point 0 (cosine), a point that is not a unit vector
  /// to 1e-5 (great circle); also no points or coordinates, dimensions that differ, parameters that
  /// check_parameters() refuses, costs beyond the range of double.
  PointCloudCost(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& x,
                 const Matrix<const double, ExecutionSpace>& y, const GroundCost& cost);

  const GroundCost& ground_cost() const { return ground_cost_; }
  int n() const { return static_cast<int>(x_.extent(0)); }
  int m() const { return static_cast<int>(y_.extent(0)); }
  int dimension() const { return static_cast<int>(x_.extent(1)); }
  /// No cost is larger; none is negative.
  double bound() const { return bound_; }
  /// No distance between a source and a target point, as kernels use them, is larger.
  double reach() const { return reach_; }

  /// The points as kernels use them: the mean of both clouds taken off where that changes no cost
  /// (an offset would cost digits), unit vectors where costs see directions alone.
  const Matrix<const double, ExecutionSpace>& x() const { return x_; }
  const Matrix<const double, ExecutionSpace>& y() const { return y_; }
  /// [n], [m]: lengths of the user's points, where costs see their directions alone; else empty.
  const Vector<const double, ExecutionSpace>& x_norm() const { return x_norm_; }
  const Vector<const double, ExecutionSpace>& y_norm() const { return y_norm_; }

 private:
  GroundCost ground_cost_;
  double bound_ = 0, reach_ = 0;
  Matrix<const double, ExecutionSpace> x_, y_;
  Vector<const double, ExecutionSpace> x_norm_, y_norm_;
};

}  // namespace otfleet::kernels

#pragma once
#include <cstdint>

#include "kernels/kokkos_compat.hpp"
#include "kernels/solvers/sliced/settings.hpp"

// Sliced distances between clouds: transport of their projections to lines, which sorting solves.
// Along a direction t of length 1,
//
//   F(t) = min over plans P of sum_ij P_ij |<t, x_i − y_j>|^p,   p >= 1.

namespace otfleet::kernels {

/// Clouds and pairs of them. Weights are shares of a mass of 1.
template <class ExecutionSpace>
struct SlicedBatch {
  struct Side {
    Matrix<const double, ExecutionSpace> points;         ///< [total, d]
    Vector<const double, ExecutionSpace> weights;        ///< [total]
    Vector<const std::int64_t, ExecutionSpace> offsets;  ///< [M + 1]
    Vector<const int, ExecutionSpace> index;             ///< [P]
    int largest = 0;                                     ///< points
  };
  Side source, target;
  double power = 2;

  int size() const { return static_cast<int>(source.index.extent(0)); }
  int dimension() const { return static_cast<int>(source.points.extent(1)); }
};

/// values [P, K] = F along directions [K, d], each of length 1, and bounds [P, K]: what F exceeds
/// along no direction at all, by the plan of that line (see MaxSliced::bound). Work: (n + m) (d + a
/// few) each, d²/2 more for p = 2 and d up to 16.
template <class ExecutionSpace>
void sliced_values(const ExecutionSpace& space, const SlicedBatch<ExecutionSpace>& problems,
                   const Matrix<const double, ExecutionSpace>& directions,
                   const Matrix<double, ExecutionSpace>& values,
                   const Matrix<double, ExecutionSpace>& bounds);

/// Directions along which problems are as far apart as steps find.
template <class ExecutionSpace>
struct MaxSliced {
  Matrix<double, ExecutionSpace> direction;  ///< [items, d], where they begin; becomes the result
  Vector<double, ExecutionSpace> value;      ///< [items], F
  /// [items], what F exceeds along no direction, since a plan is one for all directions: of p = 2
  /// and d up to 16 the largest eigenvalue of the second moment of x − y (by a power of the
  /// matrix), else the mean of |x − y|^p.
  Vector<double, ExecutionSpace> bound;
  /// [items], length of F's gradient on the sphere over F; on an edge the angle at which no step
  /// succeeds
  Vector<double, ExecutionSpace> residual;
  Vector<int, ExecutionSpace> steps, status;  ///< [items], kernels::Status
};

/// Ascends on the sphere from item.direction, items (k, s) being start s of problem k, with steps
/// along great circles that grow where they succeed and shrink where not. F is the least of
/// functions of t, so it has edges: where the slope leads nowhere, either way, random tangents are
/// tried. An item has converged when its slope is at most settings.threshold, or where no step of
/// as many radians succeeds, along the slope or a random tangent at every angle on the way.
template <class ExecutionSpace>
void max_sliced(const ExecutionSpace& space, const SlicedBatch<ExecutionSpace>& problems,
                const MaxSlicedSettings& settings, const MaxSliced<ExecutionSpace>& items);

}  // namespace otfleet::kernels

#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// A grid of `fine` points, between whose every few points a network's output is given, and how it
/// is interpolated: point i of an axis lies a share of the way from one `coarse` point to another.
/// Three axes, the last one fastest; missing ones lead, with one point.
template <class ExecutionSpace>
struct OutputGrid {
  int coarse[3] = {1, 1, 1}, fine[3] = {1, 1, 1};
  /// [fine[0] + fine[1] + fine[2]], axis after axis.
  Vector<const int, ExecutionSpace> below, above;
  Vector<const float, ExecutionSpace> share;
};

/// phi [B, fine points] from output [B, coarse points], linear along every axis. Local. Work: one
/// pass.
template <class ExecutionSpace>
void interpolate_output(const ExecutionSpace& space, const OutputGrid<ExecutionSpace>& grid,
                        const Matrix<const float, ExecutionSpace>& output,
                        const Matrix<float, ExecutionSpace>& phi);

}  // namespace otfleet::kernels

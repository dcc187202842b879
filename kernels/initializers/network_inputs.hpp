#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// Points of a measure in blocks, of which a network sees the sums.
template <class ExecutionSpace>
struct PointBlocks {
  Vector<const int, ExecutionSpace> points;  ///< [n], block after block
  Vector<const int, ExecutionSpace> begin;   ///< [count + 1]: where a block begins in points

  KOKKOS_FUNCTION int count() const { return static_cast<int>(begin.extent(0)) - 1; }
};

/// What a network sees of measures: inputs [R, blocks.count()], row r the weights of measure
/// index(r) summed over each block and scaled to a mean of 1/4, numbers of order 1 whatever the
/// mass and the number of points. weights [M, n], each row with a mass that is positive and finite.
/// Local. Work: two passes over the weights.
template <class ExecutionSpace>
void network_inputs(const ExecutionSpace& space,
                    const Matrix<const double, ExecutionSpace>& weights,
                    const Vector<const int, ExecutionSpace>& index,
                    const PointBlocks<ExecutionSpace>& blocks,
                    const Matrix<float, ExecutionSpace>& inputs);

}  // namespace otfleet::kernels

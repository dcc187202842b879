#pragma once
#include "kernels/device_array.hpp"

// What a network sees of measures and what its output becomes, as in
// initializers/network_inputs.hpp and initializers/learned.hpp. Local.

namespace otfleet::kernels {

/// As PointBlocks: points of a measure in blocks, of which a network sees the sums.
struct InputBlocks {
  DeviceArray<const int> points;  ///< [n], block after block
  DeviceArray<const int> begin;   ///< [count + 1]: where a block begins in points

  int count() const { return static_cast<int>(begin.size()) - 1; }
};

/// inputs [R, blocks.count()], row r from measure index(r) of weights [M, n].
void network_inputs(const DeviceArray<const double, 2>& weights,
                    const DeviceArray<const int>& index, const InputBlocks& blocks,
                    const DeviceArray<float, 2>& inputs);

/// f [B, n] = phi [B, n] + epsilon log a, a being row source_index(k) of weights [M, n]; −inf where
/// a is zero.
void learned_initializer(const DeviceArray<const float, 2>& phi,
                         const DeviceArray<const double, 2>& weights,
                         const DeviceArray<const int>& source_index, double epsilon,
                         const DeviceArray<double, 2>& f);

}  // namespace otfleet::kernels

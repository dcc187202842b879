#pragma once
#include "kernels/device_array.hpp"

// What a network sees of measures and what its output becomes, as in
// initializers/network_inputs.hpp, initializers/output_grid.hpp and initializers/learned.hpp.
// Local.

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

/// As OutputGrid.
struct OutputInterpolation {
  int coarse[3] = {1, 1, 1}, fine[3] = {1, 1, 1};
  DeviceArray<const int> below, above;
  DeviceArray<const float> share;
};

/// phi [B, fine points] from output [B, coarse points].
void interpolate_output(const OutputInterpolation& grid, const DeviceArray<const float, 2>& output,
                        const DeviceArray<float, 2>& phi);

/// rows [R, n] = epsilon log a, a being row measure(r) of weights [M, n]; −inf where it is zero.
void log_weight_rows(const DeviceArray<const double, 2>& weights,
                     const DeviceArray<const int>& measure, double epsilon,
                     const DeviceArray<double, 2>& rows);

/// f [B, n] = phi [B, n] + row(k) of log_weights [R, n], which log_weight_rows() gives.
void learned_initializer(const DeviceArray<const float, 2>& phi,
                         const DeviceArray<const double, 2>& log_weights,
                         const DeviceArray<const int>& row, const DeviceArray<double, 2>& f);

}  // namespace otfleet::kernels

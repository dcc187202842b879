#pragma once
#include "kernels/api/problems.hpp"

// What a network sees of measures and what its output becomes, as in
// initializers/network_inputs.hpp and problems/learned_start.hpp. Local.

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

/// As OutputGrid; empty: there is an output at every point.
struct OutputInterpolation {
  int coarse[3] = {1, 1, 1}, fine[3] = {1, 1, 1};
  DeviceArray<const int> below, above;
  DeviceArray<const float> share;
};

/// As LearnedStart.
struct NetworkStart {
  DeviceArray<const float, 2> output;  ///< [B, outputs]; no rows: there is no start
  OutputInterpolation grid;

  bool any() const { return output.extent(0) > 0; }
};

/// f [source points], flat; problems that share their points.
void learned_potential(const Problems& problems, double epsilon, const NetworkStart& start,
                       const DeviceArray<double>& f);

}  // namespace otfleet::kernels

#pragma once
#include <cstdint>
#include <vector>

#include "kernels/api/learned_start.hpp"
#include "src/networks/libtorch.hpp"

namespace otfleet {

/// Outputs of a network at the centers of blocks of `pooling` points along every axis of a grid,
/// and linear interpolation between them; the last block of an axis may be smaller, and what lies
/// outside the outer centers is extrapolated. Where `pooling` is 1 every point has its own output,
/// on a grid or not.
class OutputInterpolation {
 public:
  OutputInterpolation() = default;
  OutputInterpolation(std::int64_t points, const std::vector<std::int64_t>& grid,
                      std::int64_t pooling);

  bool is_identity() const { return matrices_.empty(); }
  /// Outputs of the network.
  std::int64_t outputs() const { return outputs_; }

  /// [B, points] from [B, outputs()], in LibTorch, which differentiates it.
  torch::Tensor of(const torch::Tensor& output) const;
  /// The same for kernels::interpolate_output().
  const kernels::OutputInterpolation& on_device() const { return on_device_; }

 private:
  std::int64_t outputs_ = 0;
  std::vector<torch::Tensor> matrices_;  ///< of every axis [points, outputs]; empty: identity
  kernels::OutputInterpolation on_device_;
};

}  // namespace otfleet

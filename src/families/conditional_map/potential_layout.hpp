#pragma once
#include <cstdint>
#include <vector>

#include "kernels/api/network.hpp"
#include "src/models/trained_model.hpp"

namespace otfleet {

/// Where the weights of a potential stand in a flat row, of which many potentials have one each.
struct PotentialLayout {
  /// A matrix [rows, columns], from `offset` on; none where `rows` is 0.
  struct Part {
    std::int64_t offset = 0, rows = 0, columns = 0;
  };
  struct Layer {
    Part hidden, input, quadratic, bias;
    kernels::Activation activation = kernels::Activation::identity;
  };
  std::vector<Layer> layers;
  double half_square = 0;
  bool convex = false;    ///< hidden weights must not be negative
  std::int64_t size = 0;  ///< numbers in a row

  /// A potential whose weights are a row; they keep the row's memory.
  kernels::NetworkWeights<float> weights(const DeviceArray<const float>& row) const;
  /// The places of derivatives by such weights.
  std::vector<kernels::LayerGradients> gradients(const DeviceArray<float>& row) const;
  /// The tensors of a row.
  std::vector<ParameterEntry> entries() const;
  /// Brings weights that must not be negative back to at least zero, after a step.
  void make_convex(const DeviceArray<float>& row) const;
};

}  // namespace otfleet

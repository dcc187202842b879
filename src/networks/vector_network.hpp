#pragma once
#include "src/models/network_library.hpp"
#include "src/networks/architectures/chain.hpp"
#include "src/networks/flat_parameters.hpp"

namespace otfleet {

/// A VectorNetwork of fully connected layers.
class LayeredVectors final : public VectorNetwork {
 public:
  explicit LayeredVectors(const VectorNetworkShape& shape);

  DeviceArray<float> parameters() override { return flat_.values_array(); }
  DeviceArray<float> gradients() override { return flat_.gradients_array(); }
  std::vector<ParameterEntry> entries() const override { return flat_.entries(); }

  void run(const DeviceArray<const float, 2>& inputs, const DeviceArray<float, 2>& outputs,
           bool keep) override;
  void backward(const DeviceArray<const float, 2>& slope,
                const GradientListener& listener) override;

 private:
  Chain body_;
  FlatParameters flat_;
  torch::Tensor outputs_;  ///< of the last run() that was to be kept
};

}  // namespace otfleet

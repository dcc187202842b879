#pragma once
#include <memory>

#include "src/models/cloud_model.hpp"
#include "src/networks/architectures/pair_network.hpp"
#include "src/networks/flat_parameters.hpp"

namespace otfleet {

/// The network of a CloudModel, of any architecture for pairs of measures.
class LayeredCoefficients final : public CoefficientNetwork {
 public:
  explicit LayeredCoefficients(const CloudModelDescription& description);

  DeviceArray<float> parameters() override { return flat_.values_array(); }
  DeviceArray<float> gradients() override { return flat_.gradients_array(); }
  std::vector<ParameterEntry> entries() const override { return flat_.entries(); }
  DeviceArray<const float, 2> run(const DeviceArray<const float, 2>& source,
                                  const DeviceArray<const float, 2>& target, bool keep) override;
  void backward(const DeviceArray<const float, 2>& slope,
                const GradientListener& listener) override;

 private:
  std::unique_ptr<PairNetwork> layers_;
  FlatParameters flat_;
  torch::Tensor output_;  ///< of the last run(), with its graph where that was kept
};

}  // namespace otfleet

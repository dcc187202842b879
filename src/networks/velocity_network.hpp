#pragma once
#include "src/families/conditional_map/velocity_model.hpp"
#include "src/networks/architectures/chain.hpp"
#include "src/networks/context_coder.hpp"
#include "src/networks/flat_parameters.hpp"

namespace otfleet {

/// The network of a VelocityModel: an MLP of the point, of the time as t, sin and cos of 2πt, 4πt,
/// 6πt, and of the context's code.
class LayeredVelocity final : public VelocityNetwork {
 public:
  explicit LayeredVelocity(const ConditionalDescription& description);

  DeviceArray<float> parameters() override { return flat_.values_array(); }
  DeviceArray<float> gradients() override { return flat_.gradients_array(); }
  std::vector<ParameterEntry> entries() const override { return flat_.entries(); }

  void run(const DeviceArray<const float, 2>& points, const DeviceArray<const float, 2>& times,
           const DeviceArray<const float, 2>& contexts, const DeviceArray<float, 2>& velocity,
           bool keep) override;
  void backward(const DeviceArray<const float, 2>& slope,
                const GradientListener& listener) override;

 private:
  Chain body_;
  ContextCoder coder_;
  FlatParameters flat_;
  torch::Tensor velocity_;  ///< of the last run() that was to be kept
};

}  // namespace otfleet

#pragma once
#include <vector>

#include "src/families/conditional_map/conditional_potential.hpp"
#include "src/networks/architectures/chain.hpp"
#include "src/networks/context_coder.hpp"
#include "src/networks/flat_parameters.hpp"

namespace otfleet {

/// The networks of a ConditionalPotential: the code of a context, what makes a potential's weights
/// of it, and the predictor of minimizers.
class LayeredConditionalNetworks final : public ConditionalNetworks {
 public:
  explicit LayeredConditionalNetworks(const ConditionalDescription& description);

  DeviceArray<float> parameters() override { return flat_.values_array(); }
  DeviceArray<float> gradients() override { return flat_.gradients_array(); }
  std::vector<ParameterEntry> entries() const override { return flat_.entries(); }

  const PotentialLayout& layout() const override { return layout_; }
  DeviceArray<const float, 2> run(const DeviceArray<const float, 2>& contexts,
                                  const DeviceArray<const float, 2>& starts, bool keep) override;
  void predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
               bool keep) override;
  void backward(const DeviceArray<const float, 2>& slope,
                const DeviceArray<const float, 2>& point_slope,
                const GradientListener& listener) override;
  void make_convex() override;

 private:
  /// How the code of a context changes a layer: [columns, H] or [outputs, H] each, undefined where
  /// it does not.
  struct Modulation {
    torch::Tensor hidden, input, quadratic, bias, shift;
  };

  void make_modulations();
  void make_layout();
  void add_names(FlatParameters::Named& named);
  /// The layer's weights for every problem: [G, …] each.
  Layer layer_for(std::size_t layer, std::int64_t problems, const torch::Tensor& generated) const;

  std::int64_t dimension_;
  Conditioning conditioning_;
  bool gaussian_start_;
  Chain base_;
  std::vector<Modulation> modulations_;
  torch::Tensor generator_;  ///< [trained numbers of a potential, H]
  ContextCoder coder_;
  torch::nn::Sequential predictor_{nullptr};  ///< null where there is none
  FlatParameters flat_;
  PotentialLayout layout_;

  torch::Tensor code_, weights_, prediction_;  ///< of the last run() and predict()
  torch::Tensor starts_;
};

}  // namespace otfleet

#pragma once
#include <optional>

#include "src/families/neural_dual/neural_dual.hpp"
#include "src/networks/architectures/chain.hpp"
#include "src/networks/flat_parameters.hpp"

namespace otfleet {

/// The networks of a NeuralDual: the potential's and the predictor's layers.
class LayeredDualNetworks final : public DualNetworks {
 public:
  explicit LayeredDualNetworks(const DualDescription& description);

  DeviceArray<float> parameters() override { return flat_.values_array(); }
  DeviceArray<float> gradients() override { return flat_.gradients_array(); }
  std::vector<ParameterEntry> entries() const override { return flat_.entries(); }

  kernels::NetworkWeights<float> potential() const override;
  std::unique_ptr<kernels::Oracle<float>> differentiated_in_float() const override;
  std::unique_ptr<kernels::Oracle<double>> differentiated_in_double() const override;
  void predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
               const DeviceArray<float, 2>& paths, bool keep) override;
  void backward(const DeviceArray<const float, 2>& x, const DeviceArray<const float>& weight,
                const DeviceArray<const float, 2>& slope,
                const DeviceArray<const float, 2>& path_slope,
                const GradientListener& listener) override;
  void cycle_slope(const DeviceArray<const float, 2>& x, const DeviceArray<const float, 2>& y,
                   double scale, const DeviceArray<float, 2>& slope) const override;
  void make_convex() override;

 private:
  template <class Scalar>
  std::unique_ptr<kernels::Oracle<Scalar>> differentiated() const;
  torch::Tensor predicted(const torch::Tensor& y, bool keep) const;
  kernels::NetworkGradient& gradient_for(std::size_t points);

  std::int64_t dimension_;
  Chain potential_, predictor_;  ///< the predictor has no layers where there is none
  FlatParameters flat_;
  std::optional<kernels::NetworkGradient> gradient_;  ///< of the potential
  std::size_t gradient_points_ = 0;                   ///< for which it was made
  /// Of the last predict() that was to be kept, with its graph: [B, D], then what paths have.
  torch::Tensor prediction_;
};

}  // namespace otfleet

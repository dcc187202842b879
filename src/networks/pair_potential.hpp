#pragma once
#include <memory>

#include "kernels/api/learned_start.hpp"
#include "src/models/potential_model.hpp"
#include "src/networks/architectures/pair_network.hpp"
#include "src/networks/flat_parameters.hpp"
#include "src/networks/output_interpolation.hpp"

namespace otfleet {

/// The network of a PotentialModel. Its inputs are kernels::network_inputs(), its output is φ in
/// units of the cost, at every point or at some, see OutputInterpolation.
class LayeredPairPotential final : public PairPotential {
 public:
  explicit LayeredPairPotential(const ModelDescription& description);

  DeviceArray<float> parameters() override { return flat_.values_array(); }
  DeviceArray<float> gradients() override { return flat_.gradients_array(); }
  std::vector<ParameterEntry> entries() const override { return flat_.entries(); }
  void forward(const DeviceArray<const double, 2>& a, const DeviceArray<const double, 2>& b,
               const DeviceArray<double, 2>& f, double epsilon) override;
  void backward(const DeviceArray<const double, 2>& slope,
                const GradientListener& listener) override;
  std::unique_ptr<PairPredictions> predictions(
      DeviceArray<const double, 2> source_weights,
      DeviceArray<const double, 2> target_weights) override;

  bool shared_measures() const { return description_.shared_measures; }
  PairNetwork& layers() { return *layers_; }
  const OutputInterpolation& interpolation() const { return interpolation_; }
  /// Inputs of the network, one row for each of the measures named of a side's weights.
  torch::Tensor inputs(bool source, const DeviceArray<const double, 2>& weights,
                       const DeviceArray<const int>& measures) const;

 private:
  ModelDescription description_;
  kernels::InputBlocks source_blocks_, target_blocks_;
  OutputInterpolation interpolation_;
  std::unique_ptr<PairNetwork> layers_;
  FlatParameters flat_;
  DeviceArray<int> all_rows_;  ///< 0, 1, … as many as the last forward() had
  torch::Tensor output_;       ///< φ of the last forward(), with its graph
  torch::Tensor support_;      ///< where a > 0 in the last forward()
};

}  // namespace otfleet

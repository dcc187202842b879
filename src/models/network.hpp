#pragma once
#include <memory>
#include <span>

#include "kernels/api/learned_start.hpp"
#include "src/models/architectures/pair_network.hpp"
#include "src/models/flat_parameters.hpp"
#include "src/models/potential_model.hpp"

// LibTorch's side of PotentialModel; included by the files of this folder only.

namespace otfleet {

/// The network and its flat parameters. Inputs are kernels::network_inputs(), the output is φ in
/// units of the cost.
struct PotentialModel::Network {
  ModelDescription description;
  kernels::InputBlocks source_blocks, target_blocks;
  std::unique_ptr<PairNetwork> layers;
  FlatParameters flat;
  DeviceArray<int> all_rows;  ///< 0, 1, … as many as the last forward() had
  torch::Tensor output;       ///< φ of the last forward(), with its graph
  torch::Tensor support;      ///< where a > 0 in the last forward()

  explicit Network(const ModelDescription& description);

  /// Inputs of the network, one row for each of the measures named of a side's weights.
  torch::Tensor inputs(bool source, const DeviceArray<const double, 2>& weights,
                       const DeviceArray<const int>& measures) const;
  torch::Tensor inputs(bool source, const DeviceArray<const double, 2>& weights,
                       std::span<const std::int32_t> measures) const;
};

/// f = φ + epsilon log a, −inf where a is zero.
torch::Tensor potential_from(const torch::Tensor& phi, const torch::Tensor& a, double epsilon);

}  // namespace otfleet

#pragma once
#include <span>

#include "kernels/initializers/network_inputs.hpp"
#include "src/models/flat_parameters.hpp"
#include "src/models/potential_model.hpp"

// LibTorch's side of PotentialModel; included by the files of this folder only.

namespace otfleet {

/// The network and its flat parameters. Inputs are kernels::network_inputs(), the output is φ in
/// units of the cost.
struct PotentialModel::Network {
  ModelDescription description;
  kernels::PointBlocks<ExecutionSpace> source_blocks, target_blocks;
  torch::nn::Sequential body;                            ///< mlp
  torch::nn::Sequential source_encoder, target_encoder;  ///< pair_encoder; the same when shared
  torch::nn::Sequential head;                            ///< pair_encoder
  FlatParameters flat;
  torch::Tensor output;   ///< φ of the last forward(), with its graph
  torch::Tensor support;  ///< where a > 0 in the last forward()

  explicit Network(const ModelDescription& description);

  bool encodes_pairs() const { return description.architecture.architecture == "pair_encoder"; }

  /// Inputs of the network, one row for each of the measures named of a side's weights.
  torch::Tensor inputs(bool source, const Matrix<const double, ExecutionSpace>& weights,
                       std::span<const std::int32_t> measures) const;
  /// The codes of measures in both roles, [.., 2 embedding]: as source, then as target.
  torch::Tensor encode(bool source, const torch::Tensor& inputs);
  /// φ from the codes of sources and targets, each in both roles.
  torch::Tensor join(const torch::Tensor& source_codes, const torch::Tensor& target_codes);
  /// φ from inputs.
  torch::Tensor run(const torch::Tensor& source_inputs, const torch::Tensor& target_inputs);

  FlatParameters::Named named_parameters() const;
};

/// f = φ + epsilon log a, −inf where a is zero.
torch::Tensor potential_from(const torch::Tensor& phi, const torch::Tensor& a, double epsilon);

}  // namespace otfleet

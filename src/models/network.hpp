#pragma once
#include <torch/torch.h>

#include <string>

#include "kernels/initializers/network_inputs.hpp"
#include "src/models/potential_model.hpp"

// LibTorch's side of PotentialModel; included by the files of this folder only.

namespace otfleet {

/// Where tensors live: where Kokkos runs.
inline torch::Device torch_device() {
  return kernels::runs_on_host<ExecutionSpace> ? torch::Device(torch::kCPU)
                                               : torch::Device(torch::kCUDA);
}

/// A tensor over the memory of a View, no copy; the View must outlive it.
inline torch::Tensor tensor_of(const Matrix<const double, ExecutionSpace>& view) {
  const auto rows = static_cast<std::int64_t>(view.extent(0));
  const auto columns = static_cast<std::int64_t>(view.extent(1));
  return torch::from_blob(const_cast<double*>(view.data()), {rows, columns},
                          torch::dtype(torch::kFloat64).device(torch_device()));
}

/// The network and its flat parameters. Inputs are kernels::network_inputs(), the output is φ in
/// units of the cost.
struct PotentialModel::Network {
  ModelDescription description;
  kernels::PointBlocks<ExecutionSpace> source_blocks, target_blocks;
  torch::nn::Sequential body;                            ///< mlp
  torch::nn::Sequential source_encoder, target_encoder;  ///< pair_encoder; the same when shared
  torch::nn::Sequential head;                            ///< pair_encoder
  torch::Tensor parameters, gradients;                   ///< flat, float
  torch::Tensor output;   ///< φ of the last forward(), with its graph
  torch::Tensor support;  ///< where a > 0 in the last forward()

  explicit Network(const ModelDescription& description);
  Network(const Network&) = delete;  // its hooks point to it
  Network& operator=(const Network&) = delete;

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

  std::vector<std::pair<std::string, torch::Tensor>> named_parameters() const;
  /// Moves all parameters into one flat array and gives them flat gradients.
  void flatten();

  /// Who hears of the next backward pass; may be empty.
  void follow_backward(const GradientListener& listener);

 private:
  /// Has autograd say when it has added the last term to a parameter's gradient.
  void hook(const torch::Tensor& parameter, std::size_t which);
  void note_complete(std::size_t which);

  // Of the parameters in the order of the flat array.
  std::vector<std::int64_t> offsets_;  ///< and the end of the array
  std::vector<bool> complete_;         ///< in the backward pass under way
  std::size_t incomplete_ = 0;         ///< this many at the front may be
  GradientListener listener_;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators_;  ///< they own the hooks
};

/// f = φ + epsilon log a, −inf where a is zero.
torch::Tensor potential_from(const torch::Tensor& phi, const torch::Tensor& a, double epsilon);

}  // namespace otfleet

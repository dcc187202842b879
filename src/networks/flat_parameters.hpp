#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/runtime.hpp"
#include "src/models/trained_model.hpp"
#include "src/networks/libtorch.hpp"

// LibTorch's side of models; included by the files of this folder only.

namespace otfleet {

/// Where tensors live: where kernels run, on the same GPU.
inline torch::Device torch_device() {
  if (!kernels::runs_on_gpu()) return torch::Device(torch::kCPU);
  return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(kernels::device_number()));
}

/// A tensor over the memory of an array, no copy; the array must outlive it.
template <class Scalar>
torch::Tensor tensor_of(const DeviceArray<Scalar, 2>& array) {
  using Value = std::remove_const_t<Scalar>;
  return torch::from_blob(
      const_cast<Value*>(array.data()),
      {static_cast<std::int64_t>(array.extent(0)), static_cast<std::int64_t>(array.extent(1))},
      torch::dtype(torch::CppTypeToScalarType<Value>()).device(torch_device()));
}

/// The parameters of a network moved into one flat float array, with flat gradients, and who hears
/// how far a backward pass has come.
class FlatParameters {
 public:
  using Named = std::vector<std::pair<std::string, torch::Tensor>>;

  FlatParameters() = default;
  FlatParameters(const FlatParameters&) = delete;  // its hooks point to it
  FlatParameters& operator=(const FlatParameters&) = delete;

  /// To be called once. The tensors are leaves; they keep their names and order.
  void take(const Named& named);

  const torch::Tensor& values() const { return values_; }
  const torch::Tensor& gradients() const { return gradients_; }
  /// The same memory.
  DeviceArray<float> values_array() const;
  DeviceArray<float> gradients_array() const;
  const std::vector<ParameterEntry>& entries() const { return entries_; }

  /// Who hears of what is backpropagated from now on; may be empty.
  void follow_backward(const GradientListener& listener);

 private:
  /// Has autograd say when it has added the last term to a parameter's gradient.
  void hook(const torch::Tensor& parameter, std::size_t which);
  void note_complete(std::size_t which);

  torch::Tensor values_, gradients_;  ///< flat, float
  std::vector<ParameterEntry> entries_;
  std::vector<bool> complete_;  ///< in the backward pass under way
  std::size_t incomplete_ = 0;  ///< this many entries at the front may be
  GradientListener listener_;
  /// What adds terms to a gradient. The kind of pointer depends on the version of LibTorch.
  using Accumulator =
      decltype(torch::autograd::impl::grad_accumulator(std::declval<const torch::Tensor&>()));
  std::vector<Accumulator> accumulators_;  ///< they own the hooks
};

}  // namespace otfleet

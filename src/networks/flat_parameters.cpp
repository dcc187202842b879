#include "src/networks/flat_parameters.hpp"

#include <torch/csrc/autograd/utils/lambda_post_hook.h>

namespace otfleet {
namespace {

DeviceArray<float> array_of(const torch::Tensor& flat) {
  return {flat.data_ptr<float>(), {static_cast<std::size_t>(flat.numel())}};
}

}  // namespace

void FlatParameters::take(const Named& named) {
  std::int64_t total = 0;
  for (const auto& [name, tensor] : named) {
    entries_.push_back({name, total, tensor.numel(), tensor.sizes().vec()});
    total += tensor.numel();
  }
  const torch::NoGradGuard no_graph;
  const auto options = torch::dtype(torch::kFloat32).device(torch_device());
  values_ = torch::empty({total}, options);
  gradients_ = torch::zeros({total}, options);
  for (std::size_t which = 0; which < named.size(); ++which) {
    torch::Tensor parameter = named[which].second;
    const auto& entry = entries_[which];
    const torch::Tensor place = values_.narrow(0, entry.offset, entry.size).view(parameter.sizes());
    place.copy_(parameter);
    parameter.set_data(place);
    parameter.mutable_grad() =
        gradients_.narrow(0, entry.offset, entry.size).view(parameter.sizes());
    hook(parameter, which);
  }
}

DeviceArray<float> FlatParameters::values_array() const {
  return array_of(values_);
}

DeviceArray<float> FlatParameters::gradients_array() const {
  return array_of(gradients_);
}

void FlatParameters::hook(const torch::Tensor& parameter, std::size_t which) {
  using torch::autograd::variable_list;
  accumulators_.push_back(torch::autograd::impl::grad_accumulator(parameter));
  accumulators_.back()->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
      [this, which](const variable_list& outputs, const variable_list&) {
        note_complete(which);
        return outputs;
      }));
}

void FlatParameters::follow_backward(const GradientListener& listener) {
  listener_ = listener;
  complete_.assign(entries_.size(), false);
  incomplete_ = entries_.size();
}

void FlatParameters::note_complete(std::size_t which) {
  if (!listener_) return;
  complete_[which] = true;
  while (incomplete_ > 0 && complete_[incomplete_ - 1]) --incomplete_;
  listener_(incomplete_ < entries_.size() ? entries_[incomplete_].offset
                                          : entries_.back().offset + entries_.back().size);
}

}  // namespace otfleet

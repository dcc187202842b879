#include "src/networks/vector_network.hpp"

namespace otfleet {

LayeredVectors::LayeredVectors(const VectorNetworkShape& shape)
    : body_(dense_layers(shape.inputs, shape.hidden, shape.outputs, shape.activation)) {
  FlatParameters::Named named;
  body_.add_names("body", named);
  for (auto& [name, tensor] : named) tensor.requires_grad_();
  flat_.take(named);
}

void LayeredVectors::run(const DeviceArray<const float, 2>& inputs,
                         const DeviceArray<float, 2>& outputs, bool keep) {
  const torch::AutoGradMode graph(keep);
  const torch::Tensor found = body_.outputs(tensor_of(inputs));
  if (keep) outputs_ = found;
  const torch::NoGradGuard no_graph;
  tensor_of(outputs).copy_(found);
}

void LayeredVectors::backward(const DeviceArray<const float, 2>& slope,
                              const GradientListener& listener) {
  flat_.gradients().zero_();
  if (!slope.empty()) {
    flat_.follow_backward(listener);
    outputs_.backward(tensor_of(slope));
    outputs_ = torch::Tensor();
  }
  if (listener) listener(0);
}

}  // namespace otfleet

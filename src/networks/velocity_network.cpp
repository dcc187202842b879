#include "src/networks/velocity_network.hpp"

#include <numbers>
#include <utility>

namespace otfleet {
namespace {

constexpr int frequencies = 3;
constexpr std::int64_t time_features = 1 + 2 * frequencies;

/// [N, time_features] of t [N, 1].
torch::Tensor features_of(const torch::Tensor& time) {
  std::vector<torch::Tensor> features = {time};
  for (int k = 1; k <= frequencies; ++k) {
    const torch::Tensor angle = 2 * std::numbers::pi * k * time;
    features.push_back(torch::sin(angle));
    features.push_back(torch::cos(angle));
  }
  return torch::cat(features, 1);
}

}  // namespace

LayeredVelocity::LayeredVelocity(const ConditionalDescription& description) {
  const ModelOptions& model = description.architecture;
  coder_ = ContextCoder(description);
  body_ = dense_layers(description.dimension + time_features + coder_.width(), model.hidden,
                       description.dimension, model.activation);
  FlatParameters::Named named;
  body_.add_names("velocity", named);
  for (auto& [name, tensor] : named) tensor.requires_grad_();
  coder_.add_names(named);
  flat_.take(named);
}

void LayeredVelocity::run(const DeviceArray<const float, 2>& points,
                          const DeviceArray<const float, 2>& times,
                          const DeviceArray<const float, 2>& contexts,
                          const DeviceArray<float, 2>& velocity, bool keep) {
  const torch::AutoGradMode graph(keep);
  const auto problems = static_cast<std::int64_t>(contexts.extent(0));
  const torch::Tensor x = tensor_of(points);
  std::vector<torch::Tensor> seen = {x, features_of(tensor_of(times))};
  if (coder_.width() > 0) {
    const torch::Tensor code = coder_.code(tensor_of(contexts));
    const std::int64_t width = code.size(1);
    seen.push_back(code.unsqueeze(1)
                       .expand({problems, x.size(0) / problems, width})
                       .reshape({x.size(0), width}));
  }
  const torch::Tensor found = body_.outputs(torch::cat(seen, 1));
  if (keep) velocity_ = found;
  const torch::NoGradGuard no_graph;
  tensor_of(velocity).copy_(found);
}

void LayeredVelocity::backward(const DeviceArray<const float, 2>& slope,
                               const GradientListener& listener) {
  flat_.gradients().zero_();
  if (!slope.empty()) {
    flat_.follow_backward(listener);
    velocity_.backward(tensor_of(slope));
    velocity_ = torch::Tensor();
  }
  if (listener) listener(0);
}

}  // namespace otfleet

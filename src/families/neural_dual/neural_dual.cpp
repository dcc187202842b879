#include "src/families/neural_dual/neural_dual.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>

#include "src/families/neural_dual/autograd_oracle.hpp"
#include "src/models/architectures/make_network.hpp"

namespace otfleet {
namespace {

template <class Scalar>
DeviceArray<const Scalar, 2> matrix_of(const torch::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.data_ptr<Scalar>(),
          {static_cast<std::size_t>(tensor.size(0)), static_cast<std::size_t>(tensor.size(1))}};
}

/// The gradient of a tensor whose gradient is set, as one row if it has one dimension.
DeviceArray<float, 2> gradient_array(const torch::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const torch::Tensor gradient = tensor.dim() == 1 ? tensor.grad().unsqueeze(0) : tensor.grad();
  return {gradient.data_ptr<float>(),
          {static_cast<std::size_t>(gradient.size(0)), static_cast<std::size_t>(gradient.size(1))}};
}

/// An array of its own with the tensor's numbers.
DeviceArray<const double, 2> copied(const DeviceArray<const float, 2>& from) {
  const DeviceArray<double, 2> to("otfleet::models::weights", from.extent(0), from.extent(1));
  to.copy_from(from);
  return to;
}

}  // namespace

struct NeuralDual::Network {
  DualDescription description;
  Chain potential, predictor;
  FlatParameters flat;
  std::optional<kernels::NetworkGradient> gradient;  ///< of the potential
  std::size_t gradient_points = 0;                   ///< for which it was made
  torch::Tensor prediction;  ///< of the last predict() that was to be kept, with its graph

  explicit Network(const DualDescription& given) : description(given) {
    const ModelOptions& model = description.architecture;
    const std::int64_t dimension = description.dimension;
    potential = make_potential(model, dimension);
    if (model.has_predictor()) predictor = make_predictor(model, dimension);
    FlatParameters::Named named;
    potential.add_names("potential", named);
    predictor.add_names("predictor", named);
    for (auto& [name, tensor] : named) tensor.requires_grad_();
    flat.take(named);
  }

  /// Of the potential's weights, for as many points.
  kernels::NetworkGradient& gradient_for(std::size_t points,
                                         const kernels::NetworkWeights<float>& network) {
    if (!gradient || gradient_points < points) {
      std::vector<kernels::LayerGradients> layers;
      for (const Layer& from : potential.layers) {
        layers.push_back({gradient_array(from.hidden), gradient_array(from.input),
                          gradient_array(from.quadratic), gradient_array(from.bias).flat()});
      }
      gradient.emplace(network, layers, static_cast<int>(points));
      gradient_points = points;
    }
    return *gradient;
  }

  /// `keep`: with a graph to the predictor's weights.
  torch::Tensor predict(const torch::Tensor& y, bool keep) const {
    if (!predictor.convex) {
      const torch::AutoGradMode graph(keep);
      return y + predictor.outputs(y);
    }
    return predictor.gradient(y.detach().requires_grad_(), keep);
  }
};

NeuralDual::NeuralDual(const DualDescription& description, std::int64_t seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  network_ = std::make_unique<Network>(description);
}

NeuralDual::NeuralDual(NeuralDual&&) noexcept = default;
NeuralDual::~NeuralDual() = default;

const DualDescription& NeuralDual::description() const {
  return network_->description;
}

DeviceArray<float> NeuralDual::parameters() {
  return network_->flat.values_array();
}

DeviceArray<float> NeuralDual::gradients() {
  return network_->flat.gradients_array();
}

std::vector<ParameterEntry> NeuralDual::entries() const {
  return network_->flat.entries();
}

template <class Scalar>
kernels::NetworkWeights<Scalar> NeuralDual::potential() const {
  const Chain& net = network_->potential;
  kernels::NetworkWeights<Scalar> result;
  result.half_square = net.half_square;
  const auto weights = [](const torch::Tensor& tensor) {
    if constexpr (std::is_same_v<Scalar, float>)
      return matrix_of<float>(tensor);
    else
      return copied(matrix_of<float>(tensor));
  };
  for (const Layer& from : net.layers) {
    kernels::LayerWeights<Scalar> layer;
    layer.activation = from.activation;
    layer.hidden = weights(from.hidden);
    layer.input = weights(from.input);
    layer.quadratic = weights(from.quadratic);
    if (from.bias.defined()) layer.bias = weights(from.bias.unsqueeze(0)).flat();
    result.layers.push_back(layer);
  }
  return result;
}

template kernels::NetworkWeights<float> NeuralDual::potential() const;
template kernels::NetworkWeights<double> NeuralDual::potential() const;

template <class Scalar>
std::unique_ptr<kernels::Oracle<Scalar>> NeuralDual::differentiated_potential() const {
  return std::make_unique<AutogradOracle<Scalar>>(
      [net = network_->potential.copy(torch::CppTypeToScalarType<Scalar>())](
          const torch::Tensor& x) { return net.value(x); },
      static_cast<int>(description().dimension));
}

template std::unique_ptr<kernels::Oracle<float>> NeuralDual::differentiated_potential() const;
template std::unique_ptr<kernels::Oracle<double>> NeuralDual::differentiated_potential() const;

void NeuralDual::predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
                         bool keep) {
  if (!predicts()) {
    x.copy_from(y);
    return;
  }
  const torch::Tensor prediction = network_->predict(tensor_of(y), keep);
  if (keep) network_->prediction = prediction;
  const torch::NoGradGuard no_graph;
  tensor_of(x).copy_(prediction);
}

void NeuralDual::backward(const DeviceArray<const float, 2>& x,
                          const DeviceArray<const float>& weight,
                          const DeviceArray<const float, 2>& slope,
                          const GradientListener& listener) {
  network_->flat.gradients().zero_();
  network_->flat.follow_backward(listener);
  // The predictor's weights are the last of the flat array: its part is complete first.
  if (slope.extent(0) > 0) {
    network_->prediction.backward(tensor_of(slope));
    network_->prediction = torch::Tensor();
  }
  if (x.extent(0) > 0) {
    const auto& entries = network_->flat.entries();
    network_->gradient_for(x.extent(0), potential<float>())
        .compute(x, weight, [&](std::size_t layer) {
          const std::string prefix = "potential." + std::to_string(layer) + ".";
          if (!listener) return;
          for (const auto& entry : entries)
            if (entry.name.starts_with(prefix)) return listener(entry.offset);
        });
  }
  if (listener) listener(0);
}

void NeuralDual::cycle_slope(const DeviceArray<const float, 2>& x,
                             const DeviceArray<const float, 2>& y, double scale,
                             const DeviceArray<float, 2>& slope) const {
  if (x.extent(0) == 0) return;
  const Chain fixed = network_->potential.copy(torch::kFloat32);
  const torch::Tensor points = tensor_of(x).detach().requires_grad_();
  const torch::Tensor missed = fixed.gradient(points, true) - tensor_of(y);
  const torch::Tensor result = torch::autograd::grad({scale * missed.square().sum()}, {points})[0];
  const torch::NoGradGuard no_graph;
  tensor_of(slope).copy_(result);
}

void NeuralDual::make_convex() {
  const torch::NoGradGuard no_graph;
  for (Chain* net : {&network_->potential, &network_->predictor}) {
    if (!net->convex) continue;
    for (Layer& layer : net->layers)
      if (layer.hidden.defined()) layer.hidden.clamp_min_(0);
  }
}

}  // namespace otfleet

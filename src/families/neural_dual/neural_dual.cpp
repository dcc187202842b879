#include "src/families/neural_dual/neural_dual.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>

#include "kernels/networks/parameter_gradient.hpp"
#include "src/families/neural_dual/autograd_oracle.hpp"
#include "src/models/architectures/make_network.hpp"

namespace otfleet {
namespace {

template <class Scalar>
Matrix<const Scalar, ExecutionSpace> matrix_of(const torch::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return Matrix<const Scalar, ExecutionSpace>(tensor.data_ptr<Scalar>(),
                                              static_cast<std::size_t>(tensor.size(0)),
                                              static_cast<std::size_t>(tensor.size(1)));
}

/// The gradient of a tensor whose gradient is set, as one row if it has one dimension.
Matrix<float, ExecutionSpace> gradient_view(const torch::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const torch::Tensor gradient = tensor.dim() == 1 ? tensor.grad().unsqueeze(0) : tensor.grad();
  return Matrix<float, ExecutionSpace>(gradient.data_ptr<float>(),
                                       static_cast<std::size_t>(gradient.size(0)),
                                       static_cast<std::size_t>(gradient.size(1)));
}

/// A View of its own with the tensor's numbers.
Matrix<const double, ExecutionSpace> copied(const Matrix<const float, ExecutionSpace>& from) {
  const Matrix<double, ExecutionSpace> to("otfleet::models::weights", from.extent(0),
                                          from.extent(1));
  if (from.size() > 0) tensor_of(to).copy_(tensor_of(from));
  return to;
}

}  // namespace

struct NeuralDual::Network {
  DualDescription description;
  Chain potential, predictor;
  FlatParameters flat;
  std::optional<kernels::ParameterGradient<ExecutionSpace, float>> gradient;  ///< of the potential
  std::size_t gradient_points = 0;  ///< for which it was made
  torch::Tensor prediction;         ///< of the last predict() that was to be kept, with its graph

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
  kernels::ParameterGradient<ExecutionSpace, float>& gradient_for(
      std::size_t points, const kernels::PotentialNetwork<ExecutionSpace, float>& network) {
    if (!gradient || gradient_points < points) {
      std::vector<kernels::PotentialLayerGradient<ExecutionSpace, float>> layers;
      for (const Layer& from : potential.layers) {
        const auto bias = gradient_view(from.bias);
        layers.push_back({gradient_view(from.hidden), gradient_view(from.input),
                          gradient_view(from.quadratic),
                          Vector<float, ExecutionSpace>(bias.data(), bias.extent(1))});
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

Vector<float, ExecutionSpace> NeuralDual::parameters() {
  return network_->flat.values_view();
}

Vector<float, ExecutionSpace> NeuralDual::gradients() {
  return network_->flat.gradients_view();
}

std::vector<ParameterEntry> NeuralDual::entries() const {
  return network_->flat.entries();
}

template <class Scalar>
kernels::PotentialNetwork<ExecutionSpace, Scalar> NeuralDual::potential() const {
  const Chain& net = network_->potential;
  kernels::PotentialNetwork<ExecutionSpace, Scalar> result;
  result.half_square = net.half_square;
  const auto weights = [](const torch::Tensor& tensor) {
    if constexpr (std::is_same_v<Scalar, float>)
      return matrix_of<float>(tensor);
    else
      return copied(matrix_of<float>(tensor));
  };
  for (const Layer& from : net.layers) {
    kernels::PotentialLayer<ExecutionSpace, Scalar> layer;
    layer.activation = from.activation;
    layer.hidden = weights(from.hidden);
    layer.input = weights(from.input);
    layer.quadratic = weights(from.quadratic);
    if (from.bias.defined()) {
      const auto row = weights(from.bias.unsqueeze(0));
      layer.bias = Kokkos::subview(row, 0, Kokkos::ALL);
    }
    result.layers.push_back(layer);
  }
  return result;
}

template kernels::PotentialNetwork<ExecutionSpace, float> NeuralDual::potential() const;
template kernels::PotentialNetwork<ExecutionSpace, double> NeuralDual::potential() const;

template <class Scalar>
std::unique_ptr<kernels::PotentialOracle<ExecutionSpace, Scalar>>
NeuralDual::differentiated_potential() const {
  return std::make_unique<AutogradOracle<Scalar>>(
      [net = network_->potential.copy(torch::CppTypeToScalarType<Scalar>())](
          const torch::Tensor& x) { return net.value(x); },
      static_cast<int>(description().dimension));
}

template std::unique_ptr<kernels::PotentialOracle<ExecutionSpace, float>>
NeuralDual::differentiated_potential() const;
template std::unique_ptr<kernels::PotentialOracle<ExecutionSpace, double>>
NeuralDual::differentiated_potential() const;

void NeuralDual::predict(const Matrix<const float, ExecutionSpace>& y,
                         const Matrix<float, ExecutionSpace>& x, bool keep) {
  if (!predicts()) {
    Kokkos::deep_copy(x, y);
    return;
  }
  const torch::Tensor prediction = network_->predict(tensor_of(y), keep);
  if (keep) network_->prediction = prediction;
  const torch::NoGradGuard no_graph;
  tensor_of(x).copy_(prediction);
}

void NeuralDual::backward(const Matrix<const float, ExecutionSpace>& x,
                          const Vector<const float, ExecutionSpace>& weight,
                          const Matrix<const float, ExecutionSpace>& slope,
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
        .compute(ExecutionSpace(), x, weight, [&](std::size_t layer) {
          const std::string prefix = "potential." + std::to_string(layer) + ".";
          if (!listener) return;
          for (const auto& entry : entries)
            if (entry.name.starts_with(prefix)) return listener(entry.offset);
        });
  }
  if (listener) listener(0);
}

void NeuralDual::cycle_slope(const Matrix<const float, ExecutionSpace>& x,
                             const Matrix<const float, ExecutionSpace>& y, double scale,
                             const Matrix<float, ExecutionSpace>& slope) const {
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

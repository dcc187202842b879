#include "src/families/neural_dual/neural_dual.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>

#include "kernels/networks/parameter_gradient.hpp"
#include "src/families/neural_dual/autograd_oracle.hpp"

namespace otfleet {
namespace {

using kernels::Activation;

/// Fresh last layers are this small, so that a network is what its other terms are.
constexpr double small_output = 1e-2;

torch::Tensor activated(Activation activation, const torch::Tensor& s) {
  switch (activation) {
    case Activation::identity:
      return s;
    case Activation::relu:
      return torch::relu(s);
    case Activation::leaky_relu:
      return torch::leaky_relu(s, 0.2);
    case Activation::elu:
      return torch::elu(s);
    case Activation::softplus:
      return torch::softplus(s);
    case Activation::silu:
      return torch::silu(s);
  }
  throw std::invalid_argument("no such activation");
}

/// Uniform in ±1/sqrt(inputs), as LibTorch's linear layers.
torch::Tensor fresh(std::int64_t outputs, std::int64_t inputs) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  return torch::empty({outputs, inputs}).uniform_(-bound, bound);
}

torch::Tensor fresh_bias(std::int64_t outputs, std::int64_t inputs) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  return torch::empty({outputs}).uniform_(-bound, bound);
}

/// The tensors of a kernels::PotentialLayer; undefined where it has none.
struct Layer {
  torch::Tensor hidden, input, quadratic, bias;
  Activation activation = Activation::identity;

  template <class Body>
  void for_each(const Body& body) {
    body("hidden", hidden);
    body("input", input);
    body("quadratic", quadratic);
    body("bias", bias);
  }
};

/// A network in LibTorch's tensors: a potential (see kernels::PotentialNetwork), or, with more
/// outputs and no quadratics, an MLP.
struct Chain {
  std::vector<Layer> layers;
  bool convex = false;
  double half_square = 0;

  void add_names(const std::string& prefix, FlatParameters::Named& named) {
    for (std::size_t k = 0; k < layers.size(); ++k)
      layers[k].for_each([&](const char* name, torch::Tensor& tensor) {
        if (tensor.defined())
          named.emplace_back(prefix + "." + std::to_string(k) + "." + name, tensor);
      });
  }

  torch::Tensor outputs(const torch::Tensor& x) const {
    torch::Tensor z;
    for (std::size_t k = 0; k < layers.size(); ++k) {
      const Layer& layer = layers[k];
      torch::Tensor s;
      const auto add = [&](const torch::Tensor& term) { s = s.defined() ? s + term : term; };
      if (layer.hidden.defined()) add(z.matmul(layer.hidden.t()));
      if (layer.input.defined()) add(x.matmul(layer.input.t()));
      if (layer.bias.defined()) add(layer.bias);
      if (layer.quadratic.defined()) {
        const std::int64_t width = s.size(-1);
        add(0.5 * x.matmul(layer.quadratic.t()).square().view({x.size(0), width, -1}).sum(2));
      }
      z = k + 1 < layers.size() ? activated(layer.activation, s) : s;
    }
    return z;
  }

  /// Of a potential.
  torch::Tensor value(const torch::Tensor& x) const {
    const torch::Tensor f = outputs(x).squeeze(1);
    return half_square == 0 ? f : f + 0.5 * half_square * x.square().sum(1);
  }

  torch::Tensor gradient(const torch::Tensor& x, bool keep) const {
    return torch::autograd::grad({value(x).sum()}, {x}, {}, keep, keep)[0];
  }

  /// The same with constant weights of another type.
  Chain copy(torch::Dtype type) const {
    Chain result = *this;
    for (Layer& layer : result.layers)
      layer.for_each([&](const char*, torch::Tensor& tensor) {
        if (tensor.defined()) tensor = tensor.detach().to(type, false, true);
      });
    return result;
  }
};

Chain make_mlp(std::int64_t dimension, const std::vector<std::int64_t>& hidden,
               std::int64_t outputs, Activation activation) {
  Chain net;
  std::int64_t inputs = dimension;
  for (const std::int64_t width : hidden) {
    Layer layer;
    (net.layers.empty() ? layer.input : layer.hidden) = fresh(width, inputs);
    layer.bias = fresh_bias(width, inputs);
    layer.activation = activation;
    net.layers.push_back(layer);
    inputs = width;
  }
  Layer last;
  last.hidden = small_output * fresh(outputs, inputs);
  if (outputs > 1) last.bias = torch::zeros({outputs});  // a potential's constant means nothing
  net.layers.push_back(last);
  return net;
}

Chain make_icnn(std::int64_t dimension, const std::vector<std::int64_t>& hidden, std::int64_t rank,
                Activation activation) {
  Chain net;
  net.convex = true;
  std::int64_t before = 0;
  // Sums over nonnegative weights: their mean is what keeps the units' scale.
  const auto nonnegative = [&](std::int64_t outputs) {
    return torch::empty({outputs, before}).uniform_(0, 2.0 / static_cast<double>(before));
  };
  for (const std::int64_t width : hidden) {
    Layer layer;
    if (before > 0) layer.hidden = nonnegative(width);
    layer.input = fresh(width, dimension);
    if (rank > 0) layer.quadratic = 0.1 * fresh(width * rank, dimension);
    layer.bias = fresh_bias(width, dimension);
    // Quadratics need no activation to be curved; the paper's first layer has none.
    layer.activation = before == 0 && rank > 0 ? Activation::identity : activation;
    net.layers.push_back(layer);
    before = width;
  }
  Layer last;
  last.hidden = small_output * nonnegative(1);
  last.input = torch::zeros({1, dimension});
  last.quadratic = torch::eye(dimension);
  net.layers.push_back(last);
  return net;
}

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
    const Job::Model& model = description.architecture;
    const std::int64_t dimension = description.dimension;
    const Activation activation = model.activation;
    if (model.architecture == "icnn") {
      potential = make_icnn(dimension, model.hidden, model.quadratic_rank, activation);
    } else {
      potential = make_mlp(dimension, model.hidden, 1, activation);
      potential.half_square = 1;
    }
    if (model.predictor == "icnn")
      predictor = make_icnn(dimension, model.predictor_hidden, model.quadratic_rank, activation);
    else if (model.predictor == "mlp")
      predictor = make_mlp(dimension, model.predictor_hidden, dimension, activation);
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

#pragma once
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/networks/activation_kind.hpp"
#include "src/networks/flat_parameters.hpp"
#include "src/networks/libtorch.hpp"

// LibTorch's side of architectures for potentials and their predictors; included by the files of
// the models library only.

namespace otfleet {

/// Fresh last layers are this small, so that a network is what its other terms are.
inline constexpr double small_output = 1e-2;

inline torch::Tensor activated(kernels::Activation activation, const torch::Tensor& s) {
  using kernels::Activation;
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
inline torch::Tensor fresh(std::int64_t outputs, std::int64_t inputs) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  return torch::empty({outputs, inputs}).uniform_(-bound, bound);
}

inline torch::Tensor fresh_bias(std::int64_t outputs, std::int64_t inputs) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  return torch::empty({outputs}).uniform_(-bound, bound);
}

/// The tensors of a kernels::PotentialLayer; undefined where it has none.
struct Layer {
  torch::Tensor hidden, input, quadratic, bias;
  kernels::Activation activation = kernels::Activation::identity;

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

/// Fully connected layers of these widths, the last one small.
inline Chain dense_layers(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                          std::int64_t outputs, kernels::Activation activation) {
  Chain net;
  for (const std::int64_t width : hidden) {
    Layer layer;
    (net.layers.empty() ? layer.input : layer.hidden) = fresh(width, inputs);
    layer.bias = fresh_bias(width, inputs);
    layer.activation = activation;
    net.layers.push_back(layer);
    inputs = width;
  }
  Layer last;
  (net.layers.empty() ? last.input : last.hidden) = small_output * fresh(outputs, inputs);
  last.bias = torch::zeros({outputs});
  net.layers.push_back(last);
  return net;
}

}  // namespace otfleet

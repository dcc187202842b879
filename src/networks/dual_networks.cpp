#include "src/networks/dual_networks.hpp"

#include <string>

#include "src/networks/autograd_oracle.hpp"
#include "src/networks/make_network.hpp"

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

}  // namespace

LayeredDualNetworks::LayeredDualNetworks(const DualDescription& description)
    : dimension_(description.dimension) {
  const ModelOptions& model = description.architecture;
  potential_ = make_potential(model, dimension_);
  if (model.has_predictor())
    predictor_ = make_predictor(model, dimension_, dimension_ + description.path_numbers());
  FlatParameters::Named named;
  potential_.add_names("potential", named);
  predictor_.add_names("predictor", named);
  for (auto& [name, tensor] : named) tensor.requires_grad_();
  flat_.take(named);
}

kernels::NetworkWeights<float> LayeredDualNetworks::potential() const {
  kernels::NetworkWeights<float> result;
  result.half_square = potential_.half_square;
  for (const Layer& from : potential_.layers) {
    kernels::LayerWeights<float> layer;
    layer.activation = from.activation;
    layer.hidden = matrix_of<float>(from.hidden);
    layer.input = matrix_of<float>(from.input);
    layer.quadratic = matrix_of<float>(from.quadratic);
    if (from.bias.defined()) layer.bias = matrix_of<float>(from.bias.unsqueeze(0)).flat();
    result.layers.push_back(layer);
  }
  return result;
}

template <class Scalar>
std::unique_ptr<kernels::Oracle<Scalar>> LayeredDualNetworks::differentiated() const {
  return std::make_unique<AutogradOracle<Scalar>>(
      [net = potential_.copy(torch::CppTypeToScalarType<Scalar>())](const torch::Tensor& x) {
        return net.value(x);
      },
      static_cast<int>(dimension_));
}

std::unique_ptr<kernels::Oracle<float>> LayeredDualNetworks::differentiated_in_float() const {
  return differentiated<float>();
}

std::unique_ptr<kernels::Oracle<double>> LayeredDualNetworks::differentiated_in_double() const {
  return differentiated<double>();
}

/// Of predict(): [B, D], and after them the columns of paths. `keep`: with a graph to the
/// predictor's weights.
torch::Tensor LayeredDualNetworks::predicted(const torch::Tensor& y, bool keep) const {
  if (!predictor_.convex) {
    const torch::AutoGradMode graph(keep);
    const torch::Tensor found = predictor_.outputs(y);
    if (found.size(1) == dimension_) return y + found;
    return torch::cat({y + found.narrow(1, 0, dimension_),
                       found.narrow(1, dimension_, found.size(1) - dimension_)},
                      1);
  }
  return predictor_.gradient(y.detach().requires_grad_(), keep);
}

void LayeredDualNetworks::predict(const DeviceArray<const float, 2>& y,
                                  const DeviceArray<float, 2>& x,
                                  const DeviceArray<float, 2>& paths, bool keep) {
  const torch::Tensor prediction = predicted(tensor_of(y), keep);
  if (keep) prediction_ = prediction;
  const torch::NoGradGuard no_graph;
  tensor_of(x).copy_(prediction.narrow(1, 0, dimension_));
  if (!paths.empty())
    tensor_of(paths).copy_(prediction.narrow(1, dimension_, prediction.size(1) - dimension_));
}

/// Of the potential's weights, for as many points.
kernels::NetworkGradient& LayeredDualNetworks::gradient_for(std::size_t points) {
  if (!gradient_ || gradient_points_ < points) {
    std::vector<kernels::LayerGradients> layers;
    for (const Layer& from : potential_.layers) {
      layers.push_back({gradient_array(from.hidden), gradient_array(from.input),
                        gradient_array(from.quadratic), gradient_array(from.bias).flat()});
    }
    gradient_.emplace(potential(), layers, static_cast<int>(points));
    gradient_points_ = points;
  }
  return *gradient_;
}

void LayeredDualNetworks::backward(const DeviceArray<const float, 2>& x,
                                   const DeviceArray<const float>& weight,
                                   const DeviceArray<const float, 2>& slope,
                                   const DeviceArray<const float, 2>& path_slope,
                                   const GradientListener& listener) {
  flat_.gradients().zero_();
  flat_.follow_backward(listener);
  // The predictor's weights are the last of the flat array: its part is complete first.
  if (slope.extent(0) > 0) {
    torch::Tensor slopes = tensor_of(slope);
    if (prediction_.size(1) > dimension_)
      slopes = torch::cat(
          {slopes, path_slope.empty() ? torch::zeros_like(prediction_)
                                            .narrow(1, dimension_, prediction_.size(1) - dimension_)
                                      : tensor_of(path_slope)},
          1);
    prediction_.backward(slopes);
    prediction_ = torch::Tensor();
  }
  if (x.extent(0) > 0) {
    const auto& entries = flat_.entries();
    gradient_for(x.extent(0)).compute(x, weight, [&](std::size_t layer) {
      const std::string prefix = "potential." + std::to_string(layer) + ".";
      if (!listener) return;
      for (const auto& entry : entries)
        if (entry.name.starts_with(prefix)) return listener(entry.offset);
    });
  }
  if (listener) listener(0);
}

void LayeredDualNetworks::cycle_slope(const DeviceArray<const float, 2>& x,
                                      const DeviceArray<const float, 2>& y, double scale,
                                      const DeviceArray<float, 2>& slope) const {
  if (x.extent(0) == 0) return;
  const Chain fixed = potential_.copy(torch::kFloat32);
  const torch::Tensor points = tensor_of(x).detach().requires_grad_();
  const torch::Tensor missed = fixed.gradient(points, true) - tensor_of(y);
  const torch::Tensor result = torch::autograd::grad({scale * missed.square().sum()}, {points})[0];
  const torch::NoGradGuard no_graph;
  tensor_of(slope).copy_(result);
}

void LayeredDualNetworks::make_convex() {
  const torch::NoGradGuard no_graph;
  for (Chain* net : {&potential_, &predictor_}) {
    if (!net->convex) continue;
    for (Layer& layer : net->layers)
      if (layer.hidden.defined()) layer.hidden.clamp_min_(0);
  }
}

}  // namespace otfleet

#include "src/networks/architectures/icnn.hpp"

#include "src/networks/architectures/chain.hpp"

namespace otfleet {
namespace {

using kernels::Activation;

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

}  // namespace

Chain Icnn::make_potential(const ModelOptions& model, std::int64_t dimension) {
  return make_icnn(dimension, model.hidden, model.quadratic_rank, model.activation);
}

Chain Icnn::make_predictor(const ModelOptions& model, std::int64_t dimension,
                           std::int64_t /*outputs*/) {
  return make_icnn(dimension, model.predictor_hidden, model.quadratic_rank, model.activation);
}

}  // namespace otfleet

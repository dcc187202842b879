#include "src/networks/architectures/mlp.hpp"

#include "src/networks/architectures/chain.hpp"
#include "src/networks/architectures/pair_network.hpp"

namespace otfleet {
namespace {

class MlpNetwork final : public PairNetwork {
 public:
  explicit MlpNetwork(const std::vector<std::int64_t>& widths) : body_(layers(widths, false)) {}

  torch::Tensor run(const torch::Tensor& source_inputs,
                    const torch::Tensor& target_inputs) override {
    return body_->forward(torch::cat({source_inputs, target_inputs}, 1));
  }

  FlatParameters::Named named_parameters() const override {
    FlatParameters::Named named;
    add_named(named, "body", body_);
    return named;
  }

 private:
  torch::nn::Sequential body_;
};

Chain make_mlp(std::int64_t dimension, const std::vector<std::int64_t>& hidden,
               std::int64_t outputs, kernels::Activation activation) {
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

}  // namespace

std::unique_ptr<PairNetwork> Mlp::make_pairs(const ModelDescription& description,
                                             const PairShape& shape) {
  return std::make_unique<MlpNetwork>(widths_of(shape.source_inputs + shape.target_inputs,
                                                description.architecture.hidden, shape.outputs));
}

Chain Mlp::make_potential(const ModelOptions& model, std::int64_t dimension) {
  Chain potential = make_mlp(dimension, model.hidden, 1, model.activation);
  potential.half_square = 1;
  return potential;
}

Chain Mlp::make_predictor(const ModelOptions& model, std::int64_t dimension) {
  return make_mlp(dimension, model.predictor_hidden, dimension, model.activation);
}

}  // namespace otfleet

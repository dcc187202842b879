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

}  // namespace

std::unique_ptr<PairNetwork> Mlp::make_pairs(const ModelDescription& description,
                                             const PairShape& shape) {
  return std::make_unique<MlpNetwork>(widths_of(shape.source_inputs + shape.target_inputs,
                                                description.architecture.hidden, shape.outputs));
}

Chain Mlp::make_potential(const ModelOptions& model, std::int64_t dimension) {
  Chain potential = dense_layers(dimension, model.hidden, 1, model.activation);
  potential.layers.back().bias = torch::Tensor();  // a potential's constant means nothing
  potential.half_square = 1;
  return potential;
}

Chain Mlp::make_predictor(const ModelOptions& model, std::int64_t dimension, std::int64_t outputs) {
  Chain predictor = dense_layers(dimension, model.predictor_hidden, outputs, model.activation);
  if (outputs == 1) predictor.layers.back().bias = torch::Tensor();  // checkpoints have none
  return predictor;
}

}  // namespace otfleet

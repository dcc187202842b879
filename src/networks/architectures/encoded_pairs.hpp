#pragma once
#include "src/networks/architectures/pair_network.hpp"

namespace otfleet {

/// A network that encodes measures one by one; derived classes join codes. One encoder gives both
/// roles' codes, `embedding` numbers each; with separate encoders each still gives two, so that the
/// two cases share their code.
class EncodedPairs : public PairNetwork {
 public:
  EncodedPairs(const ModelDescription& description, const PairShape& shape)
      : embedding_(description.architecture.embedding),
        shared_(description.shared_measures),
        source_encoder_(encoder(description.architecture, shape.source_inputs)),
        target_encoder_(shared_ ? source_encoder_
                                : encoder(description.architecture, shape.target_inputs)) {}

  bool encodes() const override { return true; }

  torch::Tensor encode(bool source, const torch::Tensor& inputs) override {
    return (source ? source_encoder_ : target_encoder_)->forward(inputs);
  }

  torch::Tensor run(const torch::Tensor& source_inputs,
                    const torch::Tensor& target_inputs) override {
    return join(encode(true, source_inputs), encode(false, target_inputs));
  }

 protected:
  torch::Tensor as_source(const torch::Tensor& codes) const {
    return codes.narrow(1, 0, embedding_);
  }
  torch::Tensor as_target(const torch::Tensor& codes) const {
    return codes.narrow(1, embedding_, embedding_);
  }
  FlatParameters::Named encoder_parameters() const {
    FlatParameters::Named named;
    add_named(named, "source_encoder", source_encoder_);
    if (!shared_) add_named(named, "target_encoder", target_encoder_);
    return named;
  }

 private:
  static torch::nn::Sequential encoder(const ModelOptions& model, std::int64_t inputs) {
    return layers(widths_of(inputs, model.hidden, 2 * model.embedding), true);
  }

  std::int64_t embedding_;
  bool shared_;  ///< one encoder serves both sides
  torch::nn::Sequential source_encoder_, target_encoder_;
};

}  // namespace otfleet

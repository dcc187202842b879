#include "src/networks/architectures/pair_encoder.hpp"

#include "src/networks/architectures/pair_network.hpp"

namespace otfleet {
namespace {

class PairEncoderNetwork final : public PairNetwork {
 public:
  PairEncoderNetwork(const ModelDescription& description, const PairShape& shape)
      : model_(description.architecture), shared_(description.shared_measures) {
    // One encoder gives both roles' codes; with separate encoders each still gives two, so that
    // the two cases share their code.
    const auto encoder = [&](std::int64_t inputs) {
      return layers(widths_of(inputs, model_.hidden, 2 * model_.embedding), true);
    };
    source_encoder_ = encoder(shape.source_inputs);
    target_encoder_ = shared_ ? source_encoder_ : encoder(shape.target_inputs);
    const bool full = model_.output_rank == 0;
    head_ = layers(
        widths_of(model_.embedding, model_.head, full ? shape.outputs : model_.output_rank), true);
    if (!full) head_->push_back(torch::nn::Linear(model_.output_rank, shape.outputs));
  }

  bool encodes() const override { return true; }

  torch::Tensor encode(bool source, const torch::Tensor& inputs) override {
    return (source ? source_encoder_ : target_encoder_)->forward(inputs);
  }

  torch::Tensor join(const torch::Tensor& source_codes,
                     const torch::Tensor& target_codes) override {
    return head_->forward(torch::gelu(source_codes.narrow(1, 0, model_.embedding) +
                                      target_codes.narrow(1, model_.embedding, model_.embedding)));
  }

  torch::Tensor run(const torch::Tensor& source_inputs,
                    const torch::Tensor& target_inputs) override {
    return join(encode(true, source_inputs), encode(false, target_inputs));
  }

  FlatParameters::Named named_parameters() const override {
    FlatParameters::Named named;
    add_named(named, "source_encoder", source_encoder_);
    if (!shared_) add_named(named, "target_encoder", target_encoder_);
    add_named(named, "head", head_);
    return named;
  }

 private:
  ModelOptions model_;
  bool shared_;  ///< one encoder serves both sides
  torch::nn::Sequential source_encoder_, target_encoder_, head_;
};

}  // namespace

std::unique_ptr<PairNetwork> PairEncoder::make_pairs(const ModelDescription& description,
                                                     const PairShape& shape) {
  return std::make_unique<PairEncoderNetwork>(description, shape);
}

}  // namespace otfleet

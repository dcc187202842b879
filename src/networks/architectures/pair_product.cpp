#include "src/networks/architectures/pair_product.hpp"

#include "src/networks/architectures/pair_network.hpp"

namespace otfleet {
namespace {

class PairProductNetwork final : public PairNetwork {
 public:
  PairProductNetwork(const ModelDescription& description, const PairShape& shape)
      : embedding_(description.architecture.embedding),
        epsilon_(description.epsilon),
        shared_(description.shared_measures),
        source_encoder_(encoder(description.architecture, shape.source_inputs)),
        target_encoder_(shared_ ? source_encoder_
                                : encoder(description.architecture, shape.target_inputs)),
        output_(layers({embedding_, shape.outputs}, true)) {}

  bool encodes() const override { return true; }

  torch::Tensor encode(bool source, const torch::Tensor& inputs) override {
    return (source ? source_encoder_ : target_encoder_)->forward(inputs);
  }

  torch::Tensor join(const torch::Tensor& source_codes,
                     const torch::Tensor& target_codes) override {
    return epsilon_ * output_->forward(source_codes.narrow(1, 0, embedding_) *
                                       target_codes.narrow(1, embedding_, embedding_));
  }

  torch::Tensor run(const torch::Tensor& source_inputs,
                    const torch::Tensor& target_inputs) override {
    return join(encode(true, source_inputs), encode(false, target_inputs));
  }

  FlatParameters::Named named_parameters() const override {
    FlatParameters::Named named;
    add_named(named, "source_encoder", source_encoder_);
    if (!shared_) add_named(named, "target_encoder", target_encoder_);
    add_named(named, "output", output_);
    return named;
  }

 private:
  /// Gives both roles' codes; with separate encoders each still gives two, so that the two cases
  /// share their code.
  static torch::nn::Sequential encoder(const ModelOptions& model, std::int64_t inputs) {
    return layers(widths_of(inputs, model.hidden, 2 * model.embedding), true);
  }

  std::int64_t embedding_;
  double epsilon_;
  bool shared_;  ///< one encoder serves both sides
  torch::nn::Sequential source_encoder_, target_encoder_, output_;
};

}  // namespace

std::unique_ptr<PairNetwork> PairProduct::make_pairs(const ModelDescription& description,
                                                     const PairShape& shape) {
  return std::make_unique<PairProductNetwork>(description, shape);
}

}  // namespace otfleet

#include "src/networks/architectures/pair_encoder.hpp"

#include "src/networks/architectures/encoded_pairs.hpp"

namespace otfleet {
namespace {

class PairEncoderNetwork final : public EncodedPairs {
 public:
  PairEncoderNetwork(const ModelDescription& description, const PairShape& shape)
      : EncodedPairs(description, shape) {
    const ModelOptions& model = description.architecture;
    const bool full = model.output_rank == 0;
    head_ = layers(widths_of(model.embedding, model.head, full ? shape.outputs : model.output_rank),
                   true);
    if (!full) head_->push_back(torch::nn::Linear(model.output_rank, shape.outputs));
  }

  torch::Tensor join(const torch::Tensor& source_codes,
                     const torch::Tensor& target_codes) override {
    return head_->forward(torch::gelu(as_source(source_codes) + as_target(target_codes)));
  }

  FlatParameters::Named named_parameters() const override {
    auto named = encoder_parameters();
    add_named(named, "head", head_);
    return named;
  }

 private:
  torch::nn::Sequential head_;
};

}  // namespace

std::unique_ptr<PairNetwork> PairEncoder::make_pairs(const ModelDescription& description,
                                                     const PairShape& shape) {
  return std::make_unique<PairEncoderNetwork>(description, shape);
}

}  // namespace otfleet

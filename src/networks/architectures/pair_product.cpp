#include "src/networks/architectures/pair_product.hpp"

#include "src/networks/architectures/encoded_pairs.hpp"

namespace otfleet {
namespace {

class PairProductNetwork final : public EncodedPairs {
 public:
  PairProductNetwork(const ModelDescription& description, const PairShape& shape)
      : EncodedPairs(description, shape),
        epsilon_(description.epsilon),
        output_(layers({description.architecture.embedding, shape.outputs}, true)) {}

  torch::Tensor join(const torch::Tensor& source_codes,
                     const torch::Tensor& target_codes) override {
    return epsilon_ * output_->forward(as_source(source_codes) * as_target(target_codes));
  }

  FlatParameters::Named named_parameters() const override {
    auto named = encoder_parameters();
    add_named(named, "output", output_);
    return named;
  }

 private:
  double epsilon_;
  torch::nn::Sequential output_;
};

}  // namespace

std::unique_ptr<PairNetwork> PairProduct::make_pairs(const ModelDescription& description,
                                                     const PairShape& shape) {
  return std::make_unique<PairProductNetwork>(description, shape);
}

}  // namespace otfleet

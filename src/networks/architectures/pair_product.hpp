#pragma once
#include "src/networks/architectures/architecture.hpp"

namespace otfleet {

/// Each measure, on a grid summed over blocks of `pooling` points an axis, through an encoder of
/// its own (hidden widths `hidden`, GELU) into `embedding` numbers, one set for its role as source
/// and one as target; φ/ε is a linear function of the products of a source's numbers with a
/// target's. φ is given at the centers of blocks of `output_pooling` points an axis, and linear
/// between them: what a block hides, Sinkhorn's first iteration mends. A population of P pairs over
/// M measures needs M encodings, and a pair costs one row of a matrix product.
struct PairProduct {
  static constexpr const char* name = "pair_product";
  static constexpr const char* remark = "";
  static constexpr ArchitectureUses uses = {true, false, false};

  static std::string text(const ModelOptions& model) {
    return ", embedding = " + std::to_string(model.embedding) +
           ", pooling = " + std::to_string(model.pooling) +
           ", output_pooling = " + std::to_string(model.output_pooling);
  }
  static std::string complaint(const ModelOptions&, const std::string&) { return {}; }
  static std::int64_t pooling(const ModelOptions& model) { return model.pooling; }
  static std::int64_t output_pooling(const ModelOptions& model) { return model.output_pooling; }

  static std::unique_ptr<PairNetwork> make_pairs(const ModelDescription& description,
                                                 const PairShape& shape);
};

}  // namespace otfleet

#pragma once
#include "src/networks/architectures/architecture.hpp"

namespace otfleet {

/// Each measure, on a grid summed over blocks of `pooling` points an axis (what a block hides,
/// Sinkhorn's first iteration mends), through an encoder of its own (hidden widths `hidden`, GELU)
/// into `embedding` numbers, one set for its role as source and one as target; source's and
/// target's are added and a small head (hidden widths `head`, GELU, a last layer of rank
/// `output_rank`) gives φ. A population of P pairs over M measures needs M encodings.
struct PairEncoder {
  static constexpr const char* name = "pair_encoder";
  static constexpr const char* remark = "";
  static constexpr ArchitectureUses uses = {true, false, false};

  static std::string text(const ModelOptions& model) {
    return ", embedding = " + std::to_string(model.embedding) + ", head = [" +
           list_text(model.head) + "], output_rank = " + std::to_string(model.output_rank) +
           ", pooling = " + std::to_string(model.pooling);
  }
  static std::string complaint(const ModelOptions&, const std::string&) { return {}; }
  static std::int64_t pooling(const ModelOptions& model) { return model.pooling; }
  static std::int64_t output_pooling(const ModelOptions&) { return 1; }

  static std::unique_ptr<PairNetwork> make_pairs(const ModelDescription& description,
                                                 const PairShape& shape);
};

}  // namespace otfleet

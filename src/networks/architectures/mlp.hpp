#pragma once
#include "src/networks/architectures/architecture.hpp"

namespace otfleet {

/// Fully connected layers. Pairs: (a, b) through layers of the widths `hidden`, ReLU (Amos et al.
/// 2022, Meta OT). Potentials: ½|x|² + mlp(x). Predictors: y + mlp(y).
struct Mlp {
  static constexpr const char* name = "mlp";
  static constexpr const char* remark = "";
  static constexpr const char* predictor_doc = "y + mlp(y)";
  static constexpr ArchitectureUses uses = {true, true, true};

  static std::string text(const ModelOptions&) { return {}; }
  static std::string complaint(const ModelOptions&, const std::string&) { return {}; }
  static std::int64_t pooling(const ModelOptions&) { return 1; }
  static std::int64_t output_pooling(const ModelOptions&) { return 1; }

  static std::unique_ptr<PairNetwork> make_pairs(const ModelDescription& description,
                                                 const PairShape& shape);
  static Chain make_potential(const ModelOptions& model, std::int64_t dimension);
  static Chain make_predictor(const ModelOptions& model, std::int64_t dimension,
                              std::int64_t outputs);
};

}  // namespace otfleet

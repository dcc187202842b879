#pragma once
#include "src/networks/architectures/architecture.hpp"

namespace otfleet {

/// A dense input-convex network with quadratic terms of rank `quadratic_rank` (Korotin et al.
/// 2019), its last layer with a full quadratic instead of a constant strong convexity. As a
/// predictor, its gradient.
struct Icnn {
  static constexpr const char* name = "icnn";
  static constexpr const char* remark = "input-convex";
  static constexpr const char* predictor_doc = "the gradient of an icnn";
  static constexpr ArchitectureUses uses = {false, true, true};

  static std::string text(const ModelOptions& model) {
    return ", quadratic_rank = " + std::to_string(model.quadratic_rank);
  }
  static std::string complaint(const ModelOptions& model, const std::string& key) {
    if (kernels::is_convex(model.activation)) return {};
    return std::string("model.activation = '") + word_of(model.activation) +
           "' is not convex; with model." + key + " = '" + name + "' use 'elu'";
  }

  static Chain make_potential(const ModelOptions& model, std::int64_t dimension);
  /// Its gradient has `dimension` outputs, no others.
  static Chain make_predictor(const ModelOptions& model, std::int64_t dimension,
                              std::int64_t outputs);
};

}  // namespace otfleet

#pragma once
#include <cmath>
#include <cstdint>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/networks/architectures/pair_network.hpp"
#include "src/networks/image_encoder.hpp"

namespace otfleet {

/// The code of a problem's context: an MLP. Of samples of both measures, one of the same widths
/// takes every point, with where the plan sends it where samples are coupled, and its means over
/// either side are the context (Zaheer et al. 2017, deep sets). Of images, the context is an
/// encoder's code of both (Meta OT, Amos et al. 2022, section 4.3).
class ContextCoder {
 public:
  ContextCoder() = default;
  /// Nothing where the model has no contexts, or does not depend on them.
  explicit ContextCoder(const ConditionalDescription& description) {
    const ModelOptions& model = description.architecture;
    if (description.context == 0 || model.conditioning == Conditioning::none) return;
    const auto& widths = model.context_hidden;
    const std::vector<std::int64_t> before(widths.begin(), widths.end() - 1);
    width_ = widths.back();
    std::int64_t numbers = description.context;
    if (sees_samples(model.context)) {
      columns_ =
          model.context == ContextKind::coupled ? 2 * description.dimension : description.dimension;
      point_layers_ = layers(widths_of(columns_, before, width_), true);
      numbers = 2 * width_;
    }
    if (model.context == ContextKind::images) {
      side_ = std::llround(std::sqrt(static_cast<double>(description.context) / (2 * colors)));
      encoder_ = ImageEncoder(model.image_channels, image_code);
      numbers = 2 * image_code;
    }
    layers_ = layers(widths_of(numbers, before, width_), true);
  }

  std::int64_t width() const { return width_; }  ///< of a code; 0: there is none

  /// [G, width] from contexts [G, numbers].
  torch::Tensor code(const torch::Tensor& contexts) {
    torch::Tensor seen = contexts;
    if (columns_ > 0) {
      const std::int64_t problems = contexts.size(0);
      const torch::Tensor points =
          torch::silu(point_layers_->forward(contexts.reshape({-1, columns_})));
      seen = points.view({problems, 2, -1, width_}).mean(2).view({problems, 2 * width_});
    }
    if (side_ > 0) {
      const torch::Tensor images =
          contexts.reshape({-1, side_, side_, colors}).permute({0, 3, 1, 2});
      seen = encoder_(images.contiguous()).view({contexts.size(0), 2 * image_code});
    }
    return torch::silu(layers_->forward(seen));
  }

  void add_names(FlatParameters::Named& named) const {
    if (columns_ > 0) add_named(named, "point_coder", point_layers_);
    if (side_ > 0) add_named(named, "encoder", encoder_);
    if (width_ > 0) add_named(named, "coder", layers_);
  }

 private:
  static constexpr std::int64_t colors = 3, image_code = 256;

  std::int64_t width_ = 0, columns_ = 0;  ///< columns: of samples, where these are seen
  std::int64_t side_ = 0;                 ///< of images, where these are seen
  ImageEncoder encoder_{nullptr};
  torch::nn::Sequential point_layers_{nullptr}, layers_{nullptr};
};

}  // namespace otfleet

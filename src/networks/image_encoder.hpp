#pragma once
#include <cstdint>

#include "src/networks/libtorch.hpp"

namespace otfleet {

/// Two convolutions of 3 × 3 and what they are added to (He et al. 2016, figure 2).
struct ResidualBlockImpl : torch::nn::Module {
  ResidualBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride);
  torch::Tensor forward(const torch::Tensor& images);

  torch::nn::Conv2d first, second;
  torch::nn::GroupNorm first_norm, second_norm;
  torch::nn::Sequential shortcut{nullptr};  ///< null: what comes in itself
};
TORCH_MODULE(ResidualBlock);

/// ResNet-18 (He et al. 2016) of images [N, 3, S, S] of any size to [N, outputs]. Group
/// normalization takes the place of that by batches (Wu & He 2018): an image's code depends on no
/// other image, so on neither batches nor ranks. Fresh blocks pass on their input, or its
/// shortcut where they shrink images (Goyal et al. 2017).
struct ImageEncoderImpl : torch::nn::Module {
  /// `channels` of the first of four stages, each further has twice as many; 64 in the paper.
  ImageEncoderImpl(std::int64_t channels, std::int64_t outputs);
  torch::Tensor forward(const torch::Tensor& images);

  torch::nn::Conv2d stem;
  torch::nn::GroupNorm stem_norm;
  torch::nn::Sequential stages;
  torch::nn::Linear head;
};
TORCH_MODULE(ImageEncoder);

}  // namespace otfleet

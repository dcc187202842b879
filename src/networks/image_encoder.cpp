#include "src/networks/image_encoder.hpp"

#include <numeric>

namespace otfleet {
namespace {

constexpr std::int64_t stage_count = 4, blocks_per_stage = 2;
constexpr std::int64_t group_channels = 16;  // Wu & He 2018, table 3

torch::nn::Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t size,
                              std::int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
}

torch::nn::GroupNorm norm(std::int64_t channels) {
  return torch::nn::GroupNorm(
      torch::nn::GroupNormOptions(channels / std::gcd(channels, group_channels), channels));
}

}  // namespace

ResidualBlockImpl::ResidualBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride)
    : first(register_module("first", convolution(in, out, 3, stride))),
      second(register_module("second", convolution(out, out, 3, 1))),
      first_norm(register_module("first_norm", norm(out))),
      second_norm(register_module("second_norm", norm(out))) {
  const torch::NoGradGuard no_graph;
  second_norm->weight.zero_();
  if (in == out && stride == 1) return;
  shortcut = register_module("shortcut",
                             torch::nn::Sequential(convolution(in, out, 1, stride), norm(out)));
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& images) {
  const torch::Tensor hidden = torch::relu(first_norm(first(images)));
  const torch::Tensor kept = shortcut ? shortcut->forward(images) : images;
  return torch::relu(second_norm(second(hidden)) + kept);
}

ImageEncoderImpl::ImageEncoderImpl(std::int64_t channels, std::int64_t outputs)
    : stem(register_module("stem", convolution(3, channels, 7, 2))),
      stem_norm(register_module("stem_norm", norm(channels))),
      head(nullptr) {
  std::int64_t width = channels;
  for (std::int64_t stage = 0; stage < stage_count; ++stage)
    for (std::int64_t block = 0; block < blocks_per_stage; ++block) {
      const bool smaller = stage > 0 && block == 0;
      stages->push_back(ResidualBlock(width, smaller ? 2 * width : width, smaller ? 2 : 1));
      if (smaller) width *= 2;
    }
  register_module("stages", stages);
  head = register_module("head", torch::nn::Linear(width, outputs));
}

torch::Tensor ImageEncoderImpl::forward(const torch::Tensor& images) {
  const torch::Tensor begin = torch::max_pool2d(torch::relu(stem_norm(stem(images))), 3, 2, 1);
  return head(stages->forward(begin).mean({2, 3}));
}

}  // namespace otfleet

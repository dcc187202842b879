#pragma once
#include "src/networks/architectures/pair_network.hpp"

namespace otfleet {

/// Layers from contexts [G, numbers] to codes [G, widths.back()], before the last activation.
inline torch::nn::Sequential context_coder(std::int64_t numbers,
                                           const std::vector<std::int64_t>& widths) {
  return layers(widths_of(numbers, {widths.begin(), widths.end() - 1}, widths.back()), true);
}

}  // namespace otfleet

#pragma once

namespace otfleet::kernels {

/// leaky_relu has slope 0.2 below zero; elu is CELU, too, both with alpha = 1.
enum class Activation { identity, relu, leaky_relu, elu, softplus, silu };

/// Whether it is convex and does not decrease: input-convex networks need that.
constexpr bool is_convex(Activation activation) {
  return activation != Activation::silu;
}

}  // namespace otfleet::kernels

#pragma once
#include <cmath>

#include "kernels/kokkos_compat.hpp"
#include "kernels/training/adam_settings.hpp"

// What the steps of optimizers share for one number. Not for use outside this folder.
namespace otfleet::kernels::detail {

/// By what a gradient is multiplied so that its norm is no longer than `clip` (0: any).
KOKKOS_INLINE_FUNCTION float clip_factor(double clip, double squared_norm) {
  const double norm = ::sqrt(squared_norm);
  return static_cast<float>(clip > 0 && norm > clip ? clip / norm : 1);
}

/// The update of Adam (Kingma & Ba 2015, algorithm 1) at one step. The bias corrections go into the
/// step size and epsilon, so that an update has one division.
struct AdamRule {
  float rate, epsilon, beta1, beta2;

  AdamRule(const AdamSettings& settings, long step) {
    const double correction1 = 1 - std::pow(settings.beta1, static_cast<double>(step));
    const double correction2 = std::sqrt(1 - std::pow(settings.beta2, static_cast<double>(step)));
    rate = static_cast<float>(settings.learning_rate * correction2 / correction1);
    epsilon = static_cast<float>(settings.epsilon * correction2);
    beta1 = static_cast<float>(settings.beta1);
    beta2 = static_cast<float>(settings.beta2);
  }

  /// What is subtracted from a parameter; the moments follow its slope.
  KOKKOS_INLINE_FUNCTION float update(float slope, float& first, float& second) const {
    const float mean = beta1 * first + (1 - beta1) * slope;
    const float square = beta2 * second + (1 - beta2) * slope * slope;
    first = mean;
    second = square;
    return rate * mean / (sqrtf(square) + epsilon);
  }
};

}  // namespace otfleet::kernels::detail

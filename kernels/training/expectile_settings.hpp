#pragma once

namespace otfleet::kernels {

/// What expectile regularization weighs, see expectile_weights().
struct ExpectileSettings {
  double level = 0.9;   ///< τ in (0, 1]: the share of a square where a pair violates
                        ///< f(x) + f*(y) >= <x, y>; 1 − τ where it does not
  double weight = 0.3;  ///< λ
};

}  // namespace otfleet::kernels

#pragma once

namespace otfleet::kernels {

/// Sums of powers of two are computed in units of 2^shift, the shift being the logarithm of an
/// earlier sum. Where no exponent has moved by more since then, terms stay below 2^60 and sums
/// above 2^−60: far from overflow, and from the smallest normal number, below which exp2_bounded
/// does not go.
constexpr double most_shift_drift = 60;

}  // namespace otfleet::kernels

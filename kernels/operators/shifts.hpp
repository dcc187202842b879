#pragma once

namespace otfleet::kernels {

/// Sums of powers of two are computed in units of 2^shift, the shift being the logarithm of an
/// earlier sum. Where no exponent has moved by more since then, terms stay below 2^60 and sums
/// above 2^−60: far from overflow, and from the smallest normal number, below which exp2_bounded
/// does not go.
constexpr double most_shift_drift = 60;

/// The same for sums in Scalar, in bits.
template <class Scalar>
struct ShiftRange {
  static constexpr bool single = sizeof(Scalar) == sizeof(float);
  /// Of a shift from its sum.
  static constexpr double drift = single ? most_shift_drift : 400;
  /// A guess is so far below what no sum exceeds: the sum fits unless it is very small.
  static constexpr double guess = drift - 5;
  /// Of the shift of a row, and of the potential of a row, in a two-sided pass; and the smallest
  /// weight. What exp2_bounded makes of terms that are too small is then less than 2^−26 of a sum
  /// of either side.
  static constexpr double two_sided_drift = single ? 30 : 300, two_sided_weight = single ? 40 : 300;
};

}  // namespace otfleet::kernels

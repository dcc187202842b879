#pragma once
#include "kernels/host_device.hpp"

// How far sums of rounded numbers can be from exact ones (Higham 2002, chapters 3 and 4).

namespace otfleet::kernels {

/// Twice the unit roundoff of double: one operation changes its result by less, relatively, and
/// products of such factors are covered.
inline constexpr double one_rounding = 0x1p-52;

/// The relative error of anything a certificate computes from sums of numbers >= 0: of `terms`
/// terms each, over points whose weights were scaled by masses that are sums themselves.
OTFLEET_INLINE_FUNCTION double sum_rounding(double terms) {
  return (terms + 32) * one_rounding;
}

/// The relative error of sums over a plan whose entries are computed anew in every pass, as
/// 2^(potentials − scale C): see outputs/bounds.hpp. The potentials of no pair add up to more than
/// `exponent` epsilon; where the entry matters, scale C is larger by 2^7 at most. `terms` as in
/// sum_rounding().
OTFLEET_INLINE_FUNCTION double plan_rounding(double terms, int dimension, double exponent) {
  constexpr double log2_e = 1.44269504088896340736;
  return sum_rounding(terms) + (dimension + 16) * one_rounding * (exponent * log2_e + 0x1p7);
}

}  // namespace otfleet::kernels

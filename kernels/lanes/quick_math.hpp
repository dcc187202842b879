#pragma once
#include "kernels/lanes/extended_range.hpp"

// Logarithm and exponential to about seven digits, for factors that only guide an iteration. Both
// are exact where nothing changes: quick_log_ratio(x, x) = 0, quick_exp(0) = 1.

namespace otfleet::kernels {

/// log(x / w) for positive x and w within a factor of four of each other; the relative error is
/// 2e-7 within a factor of two, 2e-4 at four.
template <class Pack>
OTFLEET_PACK_INLINE KOKKOS_FUNCTION Pack quick_log_ratio(const Pack& x, const Pack& w) {
  using Scalar = ScalarOf<Pack>;
  // 2 artanh(z), whose series needs no more than these terms.
  const Pack z = (x - w) / (x + w), square = z * z;
  Pack sum(Scalar(1.0 / 11));
  for (const double term : {1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0})
    sum = sum * square + Pack(static_cast<Scalar>(term));
  return (z + z) * sum;
}

/// quick_exp() takes no number further from zero.
inline constexpr double least_quick_exponent = -0x1p20 + 1;

/// e^x as mantissa within [0.7, 1.5] and exponent, for |x| < 2^20; relative error 2e-7.
template <class Pack>
OTFLEET_PACK_INLINE KOKKOS_FUNCTION ExtendedRange<Pack> quick_exp(const Pack& x) {
  using Scalar = ScalarOf<Pack>;
  const Pack k = nearest_integer(x * Pack(Scalar(1.44269504088896340736)));
  const Pack rest = x - k * Pack(Scalar(0.693147180559945309417));
  Pack sum(Scalar(1.0 / 720));
  for (const double term : {1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1.0, 1.0})
    sum = sum * rest + Pack(static_cast<Scalar>(term));
  return {sum, k};
}

}  // namespace otfleet::kernels

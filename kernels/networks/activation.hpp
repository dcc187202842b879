#pragma once
#include <cmath>

#include "kernels/lanes/pack.hpp"
#include "kernels/networks/potential_network.hpp"

// Values and slopes of activations, for packs and for single numbers. Not for use outside this
// folder.
namespace otfleet::kernels::detail {

/// Where exp(−x) is taken for zero: its products with weights would be denormal, and slow.
template <class Scalar>
inline constexpr double most_decay = sizeof(Scalar) == 4 ? 69.0 : 690.0;

/// exp(−x) for x >= 0, off by no more than two units in the last place of 1.
template <class Scalar>
OTFLEET_PACK_INLINE HostPack<Scalar> decay(const HostPack<Scalar>& x) {
  using Pack = HostPack<Scalar>;
  const Pack power = exp2_bounded(x * Pack(static_cast<Scalar>(-1.44269504088896340736)));
  return if_greater(x, Pack(static_cast<Scalar>(most_decay<Scalar>)), Pack(0), power);
}

/// log(1 + t) and 1 / (1 + t) for t in [0, 1], each off by no more than a few units in the last
/// place of itself. Inline, with one division for both: a library's logarithm alone takes longer.
template <class Scalar>
OTFLEET_PACK_INLINE void log_of_sum(const HostPack<Scalar>& t, HostPack<Scalar>& logarithm,
                                    HostPack<Scalar>& inverse) {
  using Constants = Log2<Scalar>;
  typedef typename HostPack<Scalar>::Vector Vector;
  constexpr auto root = static_cast<Scalar>(0.41421356237309504880);  // √2 − 1
  constexpr auto log_2 = static_cast<Scalar>(0.69314718055994530942);
  for (int k = 0; k < HostPack<Scalar>::vectors; ++k) {
    const Vector part = t.v[k], none = {};
    // 1 + t = m or 2 m with m within [√½, √2]; r = (m − 1)/(m + 1).
    const auto large = part > root;
    const Vector above = large ? part - 1 : part;
    const Vector below = large ? part + 3 : part + 2;
    const Vector sum = part + 1, quotient = 1 / (sum * below);
    const Vector r = above * (quotient * sum), square = r * r;
    Vector series = square * Constants::c[Constants::degree] + Constants::c[Constants::degree - 1];
    for (int i = Constants::degree - 2; i >= 0; --i) series = series * square + Constants::c[i];
    logarithm.v[k] = (large ? log_2 - none : none) + log_2 * (r * series);
    inverse.v[k] = quotient * below;
  }
}

#define OTFLEET_SCALAR_PACK(Scalar)                                                      \
  KOKKOS_INLINE_FUNCTION Scalar decay(Scalar x) {                                        \
    return ::exp(-x);                                                                    \
  }                                                                                      \
  KOKKOS_INLINE_FUNCTION void log_of_sum(Scalar t, Scalar& logarithm, Scalar& inverse) { \
    logarithm = ::log1p(t);                                                              \
    inverse = 1 / (1 + t);                                                               \
  }
OTFLEET_SCALAR_PACK(float)
OTFLEET_SCALAR_PACK(double)
#undef OTFLEET_SCALAR_PACK

/// s becomes its activation; slope is the derivative there, at a kink that of its lower side.
template <Activation activation, class Pack>
OTFLEET_PACK_INLINE KOKKOS_FUNCTION void activate(Pack& s, Pack& slope) {
  const auto number = [](double value) { return Pack(value); };
  const Pack zero = number(0), one = number(1);
  if constexpr (activation == Activation::identity) {
    slope = one;
  } else if constexpr (activation == Activation::relu || activation == Activation::leaky_relu) {
    const Pack below = number(activation == Activation::relu ? 0.0 : 0.2);
    slope = if_greater(s, zero, one, below);
    s = s * slope;
  } else if constexpr (activation == Activation::elu) {
    const Pack power = decay(zero - kernels::min(zero, s));
    slope = if_greater(s, zero, one, power);
    s = if_greater(s, zero, s, power - one);
  } else {
    // With t = exp(−|s|) nothing overflows.
    const Pack t = decay(kernels::abs(s));
    Pack high, logarithm;
    if constexpr (activation == Activation::softplus)
      log_of_sum(t, logarithm, high);
    else
      high = one / (one + t);
    const Pack sigmoid = if_greater(s, zero, high, t * high);
    if constexpr (activation == Activation::softplus) {
      s = kernels::max(s, zero) + logarithm;
      slope = sigmoid;
    } else {
      slope = sigmoid * (one + s * (one - sigmoid));
      s = s * sigmoid;
    }
  }
}

}  // namespace otfleet::kernels::detail

#pragma once
#include <utility>

#include "kernels/lanes/pack.hpp"

// Numbers mantissa · 2^exponent with the exponent in a variable of its own: potentials at small
// epsilon span thousands of orders of magnitude, and here they are multiplied and added without a
// logarithm (extended-range arithmetic; Smith, Olver & Lozier 1981). The mantissa lies within
// [1/4, 4] or is zero, the exponent is a whole number; normalize() brings results back.

namespace otfleet::kernels {

/// The exponent of zero: smaller than all that can occur, and small enough to stay so when a few
/// others are added.
template <class Scalar>
inline constexpr Scalar extended_zero_exponent = Scalar(-0x1p60);

/// ln 2 in two parts: the first has 15 bits, so that its product with a whole number below 2^38 is
/// exact.
template <class Scalar>
inline constexpr Scalar ln2_high = Scalar(0.693145751953125);
template <class Scalar>
inline constexpr Scalar ln2_low = Scalar(1.42860682030941723212e-06);

template <class Pack>
struct ExtendedRange {
  Pack mantissa, exponent;
};

namespace detail {

template <class Scalar>
struct FloatFormat;
template <>
struct FloatFormat<double> {
  using Bits = unsigned long long;
  static constexpr int mantissa_bits = 52;
  static constexpr double bias = 1023, integer_unit = 0x1p52;
};
template <>
struct FloatFormat<float> {
  using Bits = unsigned;
  static constexpr int mantissa_bits = 23;
  static constexpr float bias = 127, integer_unit = 0x1p23F;
};

template <class Scalar, int vectors>
Scalar scalar_of(const HostPack<Scalar, vectors>&);
KOKKOS_FUNCTION float scalar_of(float);
KOKKOS_FUNCTION double scalar_of(double);

}  // namespace detail

/// The type of a pack's numbers.
template <class Pack>
using ScalarOf = decltype(detail::scalar_of(std::declval<Pack>()));

/// 2^k for whole k ≤ bias of the format; 0 for every k below the normal range.
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> power_of_two(HostPack<Scalar, vectors> k) {
  using Format = detail::FloatFormat<Scalar>;
  typedef typename Format::Bits BitVector __attribute__((vector_size(OTFLEET_VECTOR_BYTES)));
  k = max(k, HostPack<Scalar, vectors>(-Format::bias));
  // Beyond 2^mantissa_bits the last bits of a floating-point number are a whole number.
  for (auto& part : k.v)
    part = (typename HostPack<Scalar, vectors>::Vector)(
        (BitVector)(part + (Format::integer_unit + Format::bias)) << Format::mantissa_bits);
  return k;
}

/// The whole number k with x / 2^k in [1, 2), for normal x > 0; no claim for others.
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> exponent_of(HostPack<Scalar, vectors> x) {
  using Format = detail::FloatFormat<Scalar>;
  using Vector = typename HostPack<Scalar, vectors>::Vector;
  typedef typename Format::Bits BitVector __attribute__((vector_size(OTFLEET_VECTOR_BYTES)));
  const Vector unit = Format::integer_unit - Vector{};
  for (auto& part : x.v)
    part = (Vector)(((BitVector)part >> Format::mantissa_bits) | (BitVector)unit) -
           (Format::integer_unit + Format::bias);
  return x;
}

/// The nearest whole number, for |x| < 2^(mantissa bits − 1).
template <class Scalar, int vectors>
OTFLEET_PACK_INLINE HostPack<Scalar, vectors> nearest_integer(HostPack<Scalar, vectors> x) {
  constexpr Scalar unit = Scalar(1.5) * detail::FloatFormat<Scalar>::integer_unit;
  for (auto& part : x.v) part = (part + unit) - unit;
  return x;
}

#define OTFLEET_SCALAR_EXTENDED(Scalar)                                             \
  KOKKOS_INLINE_FUNCTION Scalar power_of_two(Scalar k) {                            \
    constexpr Scalar bias = detail::FloatFormat<Scalar>::bias;                      \
    return k > -bias ? Scalar(::ldexp(Scalar(1), static_cast<int>(k))) : Scalar(0); \
  }                                                                                 \
  KOKKOS_INLINE_FUNCTION Scalar exponent_of(Scalar x) {                             \
    int k = 1;                                                                      \
    ::frexp(x, &k);                                                                 \
    return Scalar(k - 1);                                                           \
  }                                                                                 \
  KOKKOS_INLINE_FUNCTION Scalar nearest_integer(Scalar x) {                         \
    return ::rint(x);                                                               \
  }
OTFLEET_SCALAR_EXTENDED(float)
OTFLEET_SCALAR_EXTENDED(double)
#undef OTFLEET_SCALAR_EXTENDED

/// x · 2^exponent, x normal or zero, with its mantissa in [1, 2). A NaN stays one.
template <class Pack>
OTFLEET_PACK_INLINE KOKKOS_FUNCTION ExtendedRange<Pack> normalize(const Pack& x,
                                                                  const Pack& exponent) {
  using Scalar = ScalarOf<Pack>;
  const Pack zero(Scalar(0));
  const Pack k = exponent_of(x);
  return {x * power_of_two(zero - k),
          if_greater(x, zero, exponent + k, Pack(extended_zero_exponent<Scalar>))};
}

/// e^(x + rest) as mantissa and exponent, x taken for −2^50 where it is smaller (whole numbers end
/// there); x = −inf gives zero. `rest` is what rounding took from x: |rest| < 1.
template <class Pack>
KOKKOS_INLINE_FUNCTION ExtendedRange<Pack> extended_exp(
    const Pack& x, const Pack& rest = Pack(ScalarOf<Pack>(0))) {
  using Scalar = ScalarOf<Pack>;
  const Pack high(ln2_high<Scalar>), low(ln2_low<Scalar>);
  const Pack lowest(-Kokkos::Experimental::finite_max<Scalar>::value), zero(Scalar(0));
  const Pack smallest(Scalar(-0x1p50));
  const Pack held = if_greater(smallest, x, smallest, x);  // a NaN fails the comparison and stays
  const Pack nearest = nearest_integer(held * Pack(Scalar(1.44269504088896340736)));
  const Pack k = if_greater(abs(nearest), Pack(Scalar(-1)), nearest, zero);
  const Pack mantissa = exp(((held - k * high) - k * low) + rest);
  return {if_greater(lowest, x, zero, mantissa),
          if_greater(lowest, x, Pack(extended_zero_exponent<Scalar>), k)};
}

/// log of a positive number.
template <class Pack>
KOKKOS_INLINE_FUNCTION Pack extended_log(const ExtendedRange<Pack>& x) {
  using Scalar = ScalarOf<Pack>;
  return log(x.mantissa) + x.exponent * Pack(Scalar(0.693147180559945309417));
}

}  // namespace otfleet::kernels

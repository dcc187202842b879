#pragma once
#include <limits>

#include "kernels/lanes/quick_math.hpp"
#include "kernels/operators/in_lanes/axis_products.hpp"

// The two ways to hold a dual potential in a tile, u = exp(f/epsilon) in both. They offer the same
// operations, so that every solver is written once:
//   Scaling   plain floating-point numbers: fastest, where their range is proven to suffice;
//   Extended  mantissas and exponents apart: safe at every epsilon.
// A Value is one such number in every lane of a pack. Weights are plain packs.

namespace otfleet::kernels {

/// Memory that one team works in: `arrays` tile arrays of `rows` rows of `planes` numbers a lane.
template <class L, int planes>
struct TileMemory {
  using Scalar = typename L::Scalar;
  Scalar* base;
  long rows;

  KOKKOS_INLINE_FUNCTION Scalar* array(int which) const {
    return base + which * rows * static_cast<long>(L::width * planes);
  }
};

/// A plain number of row `row`.
template <class L>
KOKKOS_INLINE_FUNCTION typename L::Pack load_plain(const typename L::Scalar* x, long row,
                                                   int pack) {
  return L::load(x + row * L::width + pack * L::pack_width);
}
template <class L>
KOKKOS_INLINE_FUNCTION void store_plain(typename L::Scalar* x, long row, int pack,
                                        const typename L::Pack& value) {
  L::store(x + row * L::width + pack * L::pack_width, value);
}

namespace detail {

/// What quick_exp() takes; what is not a number stays so.
template <class Pack>
KOKKOS_INLINE_FUNCTION Pack quick_range(const Pack& exponent) {
  const Pack least(static_cast<ScalarOf<Pack>>(least_quick_exponent));
  return if_greater(least, exponent, least, exponent);
}

}  // namespace detail

template <class L_>
struct ScalingDomain {
  using L = L_;
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  using Value = Pack;
  static constexpr int planes = 1, scratch_arrays = 1;
  static constexpr bool large_exponents = false;  ///< of which a double does not hold all digits
  static constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
  using Memory = TileMemory<L, planes>;

  KOKKOS_INLINE_FUNCTION static Value load(const Scalar* x, long row, int pack) {
    return load_plain<L>(x, row, pack);
  }
  KOKKOS_INLINE_FUNCTION static void store(Scalar* x, long row, int pack, const Value& value) {
    store_plain<L>(x, row, pack, value);
  }

  /// What a stored zero looks like.
  KOKKOS_INLINE_FUNCTION static Scalar nothing(int) { return Scalar(0); }
  /// exp(exponent + rest) as the planes of a stored number, and back; in double (DoublePack)
  /// whatever the tile's scalar is. Exponents come in two parts, since one double resolves only
  /// 1e-16 of a large one.
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static void from_exponent(const DoublePack& exponent,
                                                   const DoublePack& rest,
                                                   DoublePack (&stored)[planes]) {
    stored[0] = exp(exponent + rest);
  }
  /// weight · exp(exponent), to a few digits, for normal weights and exponents up to 0.
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static void from_weighted_exponent(const DoublePack& weight,
                                                            const DoublePack& exponent,
                                                            DoublePack (&stored)[planes]) {
    const auto factor = quick_exp(detail::quick_range(exponent));
    stored[0] = weight * factor.mantissa * power_of_two(factor.exponent);
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack to_exponent(const DoublePack (&stored)[planes],
                                                       DoublePack& rest) {
    rest = DoublePack(0.0);
    return log(stored[0]);
  }
  /// A plain number above 0 where u is.
  KOKKOS_INLINE_FUNCTION static Pack above_zero(const Value& u) { return u; }
  /// log u; zero where there is nothing.
  KOKKOS_INLINE_FUNCTION static Pack logarithm(const Value& u) {
    const Pack none(Scalar(0));
    return log(if_greater(u, none, u, Pack(Scalar(1))));
  }

  /// The potential that makes a marginal exact: weight / (K x); a zero weight has none.
  KOKKOS_INLINE_FUNCTION static Value fit(const Pack& weight, const Value& applied) {
    return if_greater(weight, Pack(Scalar(0)), weight / applied, Pack(Scalar(0)));
  }
  /// The plan's row sum: u · (K v).
  KOKKOS_INLINE_FUNCTION static Pack marginal(const Value& u, const Value& applied) {
    return u * applied;
  }
  /// part / whole for a whole that is not nothing.
  KOKKOS_INLINE_FUNCTION static Value ratio(const Value& part, const Value& whole) {
    return part / whole;
  }
  /// u scaled by a factor in [0, 1].
  KOKKOS_INLINE_FUNCTION static Value scale(const Value& u, const Pack& factor) {
    return u * factor;
  }
  /// part / whole for part <= whole, NaN where the whole is nothing.
  KOKKOS_INLINE_FUNCTION static Pack share(const Value& part, const Value& whole) {
    return part / if_greater(whole, Pack(Scalar(0)), whole, Pack(not_a_number));
  }
  /// The planes of a stored weight.
  KOKKOS_INLINE_FUNCTION static void from_weight(double weight, Scalar (&stored)[planes]) {
    stored[0] = static_cast<Scalar>(weight);
  }

  // Numbers in units of each lane's largest: their powers are neither too large nor all too small.

  /// What grows with u, above least_size for u > 0.
  static constexpr Scalar least_size = Scalar(0);
  KOKKOS_INLINE_FUNCTION static Pack size(const Value& u) { return u; }
  /// What numbers are multiplied by (in_units()) where the largest has this size; log_unit() is the
  /// logarithm of that factor.
  KOKKOS_INLINE_FUNCTION static Pack unit(const Pack& largest) {
    const Pack one(Scalar(1));
    return one / if_greater(largest, Pack(least_size), largest, one);
  }
  KOKKOS_INLINE_FUNCTION static double log_unit(Scalar unit) {
    return ::log(static_cast<double>(unit));
  }
  KOKKOS_INLINE_FUNCTION static Value in_units(const Value& u, const Pack& unit) {
    return u * unit;
  }
  /// The logarithm to base 2 of the largest number that has this size, up to 1.
  KOKKOS_INLINE_FUNCTION static double log2_size(Scalar size) {
    return ::log2(static_cast<double>(size));
  }
  KOKKOS_INLINE_FUNCTION static Value times(const Value& u, const ExtendedRange<Pack>& factor) {
    return u * factor.mantissa * power_of_two(factor.exponent);
  }
  /// The plain number, 1 where it is larger.
  KOKKOS_INLINE_FUNCTION static Pack at_most_one(const Value& u) { return min(u, Pack(Scalar(1))); }
  /// weight / applied where that is less than the weight, else the weight.
  KOKKOS_FORCEINLINE_FUNCTION static Value fit_bound(const Pack& weight, const Value& applied) {
    return weight / max(applied, Pack(Scalar(1)));
  }
  /// weight · applied^exponent, nothing where the weight is zero: fit() for exponent −1.
  KOKKOS_FORCEINLINE_FUNCTION static Value fit_power(const Pack& weight, const Value& applied,
                                                     const Pack& exponent) {
    const Pack none(Scalar(0)), one(Scalar(1));
    const Pack reached = if_greater(weight, none, applied, one);
    const Pack power =
        exp2_bounded(exponent * log2_normal(if_greater(reached, none, reached, one)));
    return if_greater(weight, none, if_greater(reached, none, weight * power, Pack(not_a_number)),
                      none);
  }

  /// log(u / w) to a few digits, zero where either is zero.
  KOKKOS_FORCEINLINE_FUNCTION static Pack log_ratio(const Value& u, const Value& w) {
    const Pack none(Scalar(0)), one(Scalar(1));
    const Pack both = min(u, w);
    const auto x = normalize(if_greater(both, none, u, one), none);
    const auto y = normalize(if_greater(both, none, w, one), none);
    return quick_log_ratio(x.mantissa, y.mantissa) +
           (x.exponent - y.exponent) * Pack(Scalar(0.693147180559945309417));
  }
  /// u · exp(exponent), to a few digits of the factor, for |exponent| <= momentum_limit.
  KOKKOS_INLINE_FUNCTION static Value times_exp(const Value& u, const Pack& exponent) {
    const auto factor = quick_exp(exponent);
    return u * factor.mantissa * power_of_two(factor.exponent);
  }

  template <class TeamMember>
  KOKKOS_INLINE_FUNCTION static void apply(const TeamMember& team, const AxisChain<Scalar>& chain,
                                           const Scalar* x, Scalar* y, const Memory& memory,
                                           int scratch) {
    apply_linear<L>(team, chain, x, y, memory.array(scratch));
  }
};

template <class L_>
struct ExtendedDomain {
  using L = L_;
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  using Value = ExtendedRange<Pack>;
  static constexpr int planes = 2, scratch_arrays = 3;
  static constexpr bool large_exponents = true;
  static constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
  using Memory = TileMemory<L, planes>;

  KOKKOS_INLINE_FUNCTION static Value load(const Scalar* x, long row, int pack) {
    return ExtendedRows<L>::load(x, row, pack);
  }
  KOKKOS_INLINE_FUNCTION static void store(Scalar* x, long row, int pack, const Value& value) {
    ExtendedRows<L>::store(x, row, pack, value);
  }

  KOKKOS_INLINE_FUNCTION static Scalar nothing(int plane) {
    return plane == 0 ? Scalar(0) : extended_zero_exponent<Scalar>;
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static void from_exponent(const DoublePack& exponent,
                                                   const DoublePack& rest,
                                                   DoublePack (&stored)[planes]) {
    const auto value = extended_exp(exponent, rest);
    stored[0] = value.mantissa;
    stored[1] = value.exponent;
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static void from_weighted_exponent(const DoublePack& weight,
                                                            const DoublePack& exponent,
                                                            DoublePack (&stored)[planes]) {
    const auto w = normalize(weight, DoublePack(0.0));
    const auto factor = quick_exp(detail::quick_range(exponent));
    const auto value = normalize(w.mantissa * factor.mantissa, w.exponent + factor.exponent);
    stored[0] = value.mantissa;
    stored[1] = value.exponent;
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack to_exponent(const DoublePack (&stored)[planes],
                                                       DoublePack& rest) {
    rest = log(stored[0]) + stored[1] * DoublePack(ln2_low<double>);
    return stored[1] * DoublePack(ln2_high<double>);
  }
  KOKKOS_INLINE_FUNCTION static Pack above_zero(const Value& u) { return u.mantissa; }
  KOKKOS_INLINE_FUNCTION static Pack logarithm(const Value& u) {
    const Pack none(Scalar(0)), one(Scalar(1));
    return extended_log(Value{if_greater(u.mantissa, none, u.mantissa, one),
                              if_greater(u.mantissa, none, u.exponent, none)});
  }

  KOKKOS_INLINE_FUNCTION static Value fit(const Pack& weight, const Value& applied) {
    const Pack none(Scalar(0));
    const Value w = normalize(weight, none);
    // No mass reaches a point only when the start holds none: NaN, which ends the instance.
    const Pack reached = if_greater(applied.mantissa, none, applied.mantissa, Pack(not_a_number));
    return {if_greater(weight, none, w.mantissa / reached, none),
            if_greater(weight, none, w.exponent - applied.exponent,
                       Pack(extended_zero_exponent<Scalar>))};
  }
  KOKKOS_INLINE_FUNCTION static Pack marginal(const Value& u, const Value& applied) {
    return u.mantissa * applied.mantissa * power_of_two(u.exponent + applied.exponent);
  }
  KOKKOS_INLINE_FUNCTION static Value ratio(const Value& part, const Value& whole) {
    return {part.mantissa / whole.mantissa, part.exponent - whole.exponent};
  }
  KOKKOS_INLINE_FUNCTION static Value scale(const Value& u, const Pack& factor) {
    return normalize(u.mantissa * factor, u.exponent);
  }
  KOKKOS_INLINE_FUNCTION static Pack share(const Value& part, const Value& whole) {
    const Pack sum =
        if_greater(whole.mantissa, Pack(Scalar(0)), whole.mantissa, Pack(not_a_number));
    return part.mantissa / sum * power_of_two(part.exponent - whole.exponent);
  }
  KOKKOS_INLINE_FUNCTION static void from_weight(double weight, Scalar (&stored)[planes]) {
    const auto value = normalize(weight, 0.0);
    stored[0] = static_cast<Scalar>(value.mantissa);
    stored[1] = static_cast<Scalar>(value.exponent);
  }
  static constexpr Scalar least_size = extended_zero_exponent<Scalar>;
  KOKKOS_INLINE_FUNCTION static Pack size(const Value& u) {
    return if_greater(u.mantissa, Pack(Scalar(0)), u.exponent, Pack(least_size));
  }
  KOKKOS_INLINE_FUNCTION static Pack unit(const Pack& largest) {
    const Pack none(Scalar(0));
    return if_greater(largest, Pack(least_size), none - largest, none);
  }
  KOKKOS_INLINE_FUNCTION static double log_unit(Scalar unit) {
    return static_cast<double>(unit) * 0.693147180559945309417;
  }
  KOKKOS_INLINE_FUNCTION static Value in_units(const Value& u, const Pack& unit) {
    return {u.mantissa, u.exponent + unit};
  }
  KOKKOS_INLINE_FUNCTION static double log2_size(Scalar size) { return static_cast<double>(size); }
  KOKKOS_INLINE_FUNCTION static Value times(const Value& u, const ExtendedRange<Pack>& factor) {
    return normalize(u.mantissa * factor.mantissa, u.exponent + factor.exponent);
  }
  KOKKOS_INLINE_FUNCTION static Pack at_most_one(const Value& u) {
    const Pack one(Scalar(1));
    return min(u.mantissa * power_of_two(min(u.exponent, one)), one);
  }
  KOKKOS_FORCEINLINE_FUNCTION static Value fit_bound(const Pack& weight, const Value& applied) {
    const Pack none(Scalar(0)), one(Scalar(1));
    const Value w = normalize(weight, none);
    // A normal mantissa is at least 1: with an exponent of 0 or more the bound binds.
    const Pack binds = if_greater(applied.exponent, Pack(Scalar(-0.5)), one, none);
    return {if_greater(binds, none, w.mantissa / if_greater(binds, none, applied.mantissa, one),
                       w.mantissa),
            if_greater(binds, none, w.exponent - applied.exponent, w.exponent)};
  }
  KOKKOS_FORCEINLINE_FUNCTION static Value fit_power(const Pack& weight, const Value& applied,
                                                     const Pack& exponent) {
    const Pack none(Scalar(0)), one(Scalar(1));
    const Value w = normalize(weight, none);
    const Pack reached = if_greater(weight, none, applied.mantissa, one);
    const Pack given = if_greater(reached, none, applied.exponent, none);
    const Pack rest = exponent * log2_normal(if_greater(reached, none, reached, one));
    const Pack whole = nearest_integer(exponent * given + rest);
    const Pack power = exp2_bounded((exponent * given - whole) + rest);
    return {if_greater(weight, none,
                       if_greater(reached, none, w.mantissa * power, Pack(not_a_number)), none),
            if_greater(weight, none, w.exponent + if_greater(weight, none, whole, none),
                       Pack(extended_zero_exponent<Scalar>))};
  }
  KOKKOS_FORCEINLINE_FUNCTION static Pack log_ratio(const Value& u, const Value& w) {
    const Pack none(Scalar(0)), one(Scalar(1));
    const Pack both = min(u.mantissa, w.mantissa);
    const Pack exponents = if_greater(both, none, u.exponent - w.exponent, none);
    return quick_log_ratio(if_greater(both, none, u.mantissa, one),
                           if_greater(both, none, w.mantissa, one)) +
           exponents * Pack(Scalar(0.693147180559945309417));
  }
  KOKKOS_INLINE_FUNCTION static Value times_exp(const Value& u, const Pack& exponent) {
    const auto factor = quick_exp(exponent);
    return {u.mantissa * factor.mantissa, u.exponent + factor.exponent};
  }

  template <class TeamMember>
  KOKKOS_INLINE_FUNCTION static void apply(const TeamMember& team, const AxisChain<Scalar>& chain,
                                           const Scalar* x, Scalar* y, const Memory& memory,
                                           int scratch) {
    apply_extended<L>(team, chain, x, y, memory.array(scratch), memory.array(scratch + 1),
                      memory.array(scratch + 2));
  }
};

}  // namespace otfleet::kernels

#pragma once
#include "kernels/lanes/tile.hpp"

// The two ways to hold a dual potential in a tile. Both offer the same operations, so that every
// solver is written once:
//   Scaling  u = exp(f/epsilon); an application of the kernel is a matrix product.
//   Log      α = f/epsilon; an application is a log-sum-exp, safe at every epsilon.

namespace otfleet::kernels {

/// Memory that one team works in: `arrays` tile arrays of `rows` rows and a few lane vectors.
template <class L>
struct TileMemory {
  using Scalar = typename L::Scalar;
  Scalar* base;
  long rows;

  KOKKOS_INLINE_FUNCTION Scalar* array(int which) const {
    return base + which * rows * static_cast<long>(L::width);
  }
};

template <class L_>
struct ScalingDomain {
  using L = L_;
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  static constexpr int scratch_arrays = 1;

  /// From f/epsilon − max(f/epsilon), and from a weight, to what the tile stores, and back. In
  /// double (DoublePack) whatever the tile's scalar is.
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack from_exponent(const DoublePack& exponent) {
    return exp(exponent);
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack to_exponent(const DoublePack& u) {
    return log(u);
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack from_weight(const DoublePack& weight) {
    return weight;
  }
  KOKKOS_INLINE_FUNCTION static Scalar nothing() { return Scalar(0); }

  /// The potential that makes a marginal exact: weight / (K x); a zero weight has none.
  KOKKOS_INLINE_FUNCTION static Pack fit(const Pack& weight, const Pack& applied) {
    return if_greater(weight, Pack(Scalar(0)), weight / applied, Pack(Scalar(0)));
  }
  /// The plan's row sum: u · (K v).
  KOKKOS_INLINE_FUNCTION static Pack marginal(const Pack& u, const Pack& applied) {
    return u * applied;
  }
  /// u scaled by a factor in (0, 1].
  KOKKOS_INLINE_FUNCTION static Pack scale(const Pack& u, const Pack& factor) { return u * factor; }

  template <class TeamMember>
  KOKKOS_INLINE_FUNCTION static void apply(const TeamMember& team, const AxisChain<Scalar>& chain,
                                           const Scalar* x, Scalar* y, const TileMemory<L>& memory,
                                           int scratch) {
    apply_linear<L>(team, chain, x, y, memory.array(scratch));
  }
};

template <class L_>
struct LogDomain {
  using L = L_;
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  static constexpr int scratch_arrays = 3;

  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack from_exponent(const DoublePack& exponent) {
    return exponent;
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack to_exponent(const DoublePack& alpha) {
    return alpha;
  }
  template <class DoublePack>
  KOKKOS_INLINE_FUNCTION static DoublePack from_weight(const DoublePack& weight) {
    const DoublePack none(-Kokkos::Experimental::infinity<double>::value);
    const DoublePack smallest(Kokkos::Experimental::norm_min<double>::value);
    return if_greater(weight, DoublePack(0.0), log(max(weight, smallest)), none);
  }
  KOKKOS_INLINE_FUNCTION static Scalar nothing() {
    return -Kokkos::Experimental::infinity<Scalar>::value;
  }
  KOKKOS_INLINE_FUNCTION static Pack fit(const Pack& weight, const Pack& applied) {
    return if_greater(weight, Pack(nothing()), weight - applied, Pack(nothing()));
  }
  KOKKOS_INLINE_FUNCTION static Pack marginal(const Pack& alpha, const Pack& applied) {
    // Written so that an α that is not a number reaches the sum.
    const Pack lowest(-Kokkos::Experimental::finite_max<Scalar>::value);
    return if_greater(lowest, alpha, Pack(Scalar(0)), exp(alpha + applied));
  }
  KOKKOS_INLINE_FUNCTION static Pack scale(const Pack& alpha, const Pack& factor) {
    return alpha + log(max(factor, Pack(Kokkos::Experimental::norm_min<Scalar>::value)));
  }

  template <class TeamMember>
  KOKKOS_INLINE_FUNCTION static void apply(const TeamMember& team, const AxisChain<Scalar>& chain,
                                           const Scalar* x, Scalar* y, const TileMemory<L>& memory,
                                           int scratch) {
    apply_log<L>(team, chain, x, y, memory.array(scratch), memory.array(scratch + 1),
                 memory.array(scratch + 2));
  }
};

}  // namespace otfleet::kernels

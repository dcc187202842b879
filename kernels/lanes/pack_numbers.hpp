#pragma once
#include "kernels/lanes/pack.hpp"

namespace otfleet::kernels {

/// The numbers of a pack, for functions that take one at a time.
template <class Pack>
struct PackNumbers {
  static constexpr int count = Pack::width;
  double at[count];

  explicit PackNumbers(const Pack& pack) { pack.store(at); }
  Pack pack() const { return Pack::load(at); }
};
template <>
struct PackNumbers<double> {
  static constexpr int count = 1;
  double at[1];

  KOKKOS_INLINE_FUNCTION explicit PackNumbers(double number) { at[0] = number; }
  KOKKOS_INLINE_FUNCTION double pack() const { return at[0]; }
};

}  // namespace otfleet::kernels

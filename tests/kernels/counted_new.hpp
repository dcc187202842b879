#pragma once
#include <cstddef>

namespace otfleet::kernels::test {

/// While `counting`, how many allocations by new are of more than `longest_name` bytes: Kokkos
/// makes a string of the name of every launch. Of programs with counted_new.cpp, which a file of
/// its own keeps from being inlined.
struct CountedNew {
  static constexpr std::size_t longest_name = 256;
  static inline bool counting = false;
  static inline int count = 0;
};

}  // namespace otfleet::kernels::test

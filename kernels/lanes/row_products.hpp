#pragma once
#include "kernels/lanes/pack.hpp"

// Products of small matrices whose rows lie in the lanes of packs.

namespace otfleet::kernels {

namespace detail {

/// A block of `rows` rows and `packs` packs of y = A x.
template <class L, int rows, int packs>
KOKKOS_FORCEINLINE_FUNCTION void multiply_block_of(const typename L::Scalar* a, long a_row,
                                                   long a_term, int terms,
                                                   const typename L::Scalar* x, long x_row,
                                                   typename L::Scalar* y, long y_row) {
  using Pack = typename L::Pack;
  Pack sums[rows][packs];
#pragma unroll
  for (int r = 0; r < rows; ++r)
#pragma unroll
    for (int p = 0; p < packs; ++p) sums[r][p] = Pack(typename L::Scalar(0));
  for (int s = 0; s < terms; ++s) {
    Pack values[packs];
#pragma unroll
    for (int p = 0; p < packs; ++p) {
      values[p] = L::load(x + s * x_row + p * L::pack_width);
      keep(values[p]);
    }
#pragma unroll
    for (int r = 0; r < rows; ++r)
#pragma unroll
      for (int p = 0; p < packs; ++p)
        sums[r][p] = sums[r][p] + Pack(a[r * a_row + s * a_term]) * values[p];
  }
#pragma unroll
  for (int r = 0; r < rows; ++r)
#pragma unroll
    for (int p = 0; p < packs; ++p) L::store(y + r * y_row + p * L::pack_width, sums[r][p]);
}

/// The same for all packs.
template <class L, int rows>
KOKKOS_INLINE_FUNCTION void multiply_row_group(const typename L::Scalar* a, long a_row, long a_term,
                                               int terms, int packs, const typename L::Scalar* x,
                                               long x_row, typename L::Scalar* y, long y_row) {
  int p = 0;
  for (; p + 2 <= packs; p += 2)
    multiply_block_of<L, rows, 2>(a, a_row, a_term, terms, x + p * L::pack_width, x_row,
                                  y + p * L::pack_width, y_row);
  if (p < packs)
    multiply_block_of<L, rows, 1>(a, a_row, a_term, terms, x + p * L::pack_width, x_row,
                                  y + p * L::pack_width, y_row);
}

}  // namespace detail

/// y = A x for A [rows, terms] with element (r, s) at a[r · a_row + s · a_term], and rows of x
/// [terms] and y [rows] of `packs` packs, x_row and y_row numbers apart. On one thread.
template <class L>
KOKKOS_INLINE_FUNCTION void multiply_rows(const typename L::Scalar* a, long a_row, long a_term,
                                          int rows, int terms, int packs,
                                          const typename L::Scalar* x, long x_row,
                                          typename L::Scalar* y, long y_row) {
  constexpr int most_rows = 6, most_packs = 12;  // sums in registers
  int r = 0;
  for (; r + most_rows <= rows; r += most_rows)
    detail::multiply_row_group<L, most_rows>(a + r * a_row, a_row, a_term, terms, packs, x, x_row,
                                             y + r * y_row, y_row);
  for (; r + 2 <= rows; r += 2)
    detail::multiply_row_group<L, 2>(a + r * a_row, a_row, a_term, terms, packs, x, x_row,
                                     y + r * y_row, y_row);
  for (; r < rows; ++r) {
    int p = 0;
    // Of a single row, as much of x's rows at a time as there are registers.
    for (; p + most_packs <= packs; p += most_packs)
      detail::multiply_block_of<L, 1, most_packs>(a + r * a_row, a_row, a_term, terms,
                                                  x + p * L::pack_width, x_row,
                                                  y + r * y_row + p * L::pack_width, y_row);
    for (; p < packs; ++p)
      detail::multiply_block_of<L, 1, 1>(a + r * a_row, a_row, a_term, terms, x + p * L::pack_width,
                                         x_row, y + r * y_row + p * L::pack_width, y_row);
  }
}

}  // namespace otfleet::kernels

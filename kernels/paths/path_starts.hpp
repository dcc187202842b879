#pragma once
#include <cmath>
#include <cstddef>

#include "kernels/kokkos_compat.hpp"
#include "kernels/paths/lagrangian.hpp"

// Where minimizations of a path begin: at the straight line, and at bows to either side of it.

namespace otfleet::kernels::detail {

/// How far the first bow goes to the side, in lengths of the straight line; each pair of starts
/// goes farther by that.
inline constexpr double first_bow = 0.5;

/// side [d]: orthogonal to `line` [d] and as long; 0 in one dimension.
KOKKOS_INLINE_FUNCTION void find_side(const double* line, int d, double* side) {
  for (int i = 0; i < d; ++i) side[i] = 0;
  if (d == 1) return;
  if (d == 2) {
    side[0] = -line[1];
    side[1] = line[0];
    return;
  }
  // The axis that is least along the line, made orthogonal to it.
  int axis = 0;
  double square = 0;
  for (int i = 0; i < d; ++i) {
    square += line[i] * line[i];
    if (::fabs(line[i]) < ::fabs(line[axis])) axis = i;
  }
  if (square == 0) return;
  double norm = 0;
  for (int i = 0; i < d; ++i) {
    side[i] = (i == axis ? 1.0 : 0.0) - line[axis] * line[i] / square;
    norm += side[i] * side[i];
  }
  const double scale = ::sqrt(square / norm);
  for (int i = 0; i < d; ++i) side[i] *= scale;
}

/// How far start number `start` goes to the side, in lengths of the straight line, which is number
/// 0; odd ones bow to one side, even ones to the other.
KOKKOS_INLINE_FUNCTION double height_of_bow(int start) {
  const int pair = (start + 1) / 2;
  return first_bow * pair * (start % 2 == 1 ? 1 : -1);
}

/// Row `row` of `rows` becomes the path from row k of x [·, d] to row l of y [·, d] that goes so
/// far to the side: see PathEnergy, and height_of_bow().
template <class Rows, class From, class To, class Bow>
KOKKOS_INLINE_FUNCTION void begin_path(const Rows& rows, int row, double height, const From& x,
                                       int k, const To& y, int l, const Bow& bow) {
  const int d = static_cast<int>(x.extent(1)), coefficients = static_cast<int>(bow.extent(0));
  double line[most_path_dimension] = {}, side[most_path_dimension];
  for (int i = 0; i < d; ++i) line[i] = y(l, i) - x(k, i);
  find_side(line, d, side);
  for (int j = 0; j < coefficients; ++j)
    for (int i = 0; i < d; ++i)
      rows(row, j * d + i) = height == 0 ? 0.0 : height * side[i] * bow(j);
  for (int i = 0; i < d; ++i) {
    rows(row, coefficients * d + i) = x(k, i);
    rows(row, (coefficients + 1) * d + i) = y(l, i);
  }
}

/// The first rows of a matrix; the elements are the same.
template <class ExecutionSpace, class Scalar>
Matrix<Scalar, ExecutionSpace> leading_rows(const Matrix<Scalar, ExecutionSpace>& matrix,
                                            std::size_t count) {
  return Matrix<Scalar, ExecutionSpace>(matrix.data(), count, matrix.extent(1));
}

}  // namespace otfleet::kernels::detail

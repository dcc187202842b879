#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// Of every row x_i [n, d] the least |x_i − y_j|² − heights_j over columns y [m, d], and, unless
/// `which` is empty, a j where it is. Work: n m (d + 1) multiply-adds, nothing of size
/// [n, m] is stored. No sum is further off than (3 d + 12) roundings of the largest |x|² + |y|² +
/// |height|.
template <class ExecutionSpace>
void least_costs(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& rows,
                 const Matrix<const double, ExecutionSpace>& columns,
                 const Vector<const double, ExecutionSpace>& heights,
                 const Vector<double, ExecutionSpace>& least,
                 const Vector<int, ExecutionSpace>& which);

}  // namespace otfleet::kernels

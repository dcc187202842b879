#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// The rows of `rows` [n, m], n <= m, become orthonormal, each in the span of itself and those
/// before it: Gram & Schmidt in blocks, every projection taken three times, so that float is
/// orthogonal to 1e-5 however near a row is to the span of others. `work` [n, n] is memory.
/// Work: 6 n² m multiply-adds, nearly all as products of matrices. Local; waits.
template <class ExecutionSpace>
void orthonormalize_rows(const ExecutionSpace& space, const Matrix<float, ExecutionSpace>& rows,
                         const Matrix<float, ExecutionSpace>& work);

}  // namespace otfleet::kernels

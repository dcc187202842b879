#include "kernels/training/orthonormal_rows.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/matrix_product.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr int rows_a_block = 32;

template <class ExecutionSpace>
Matrix<float, ExecutionSpace> row_range(const Matrix<float, ExecutionSpace>& matrix, int begin,
                                        int end) {
  return Matrix<float, ExecutionSpace>(
      matrix.data() + static_cast<std::size_t>(begin) * matrix.extent(1),
      static_cast<std::size_t>(end - begin), matrix.extent(1));
}

/// Takes from `rows` what lies in the span of the orthonormal rows `basis`.
template <class ExecutionSpace>
void project_out(const Matrix<float, ExecutionSpace>& basis,
                 const Matrix<float, ExecutionSpace>& rows,
                 const Matrix<float, ExecutionSpace>& work) {
  using Constant = Matrix<const float, ExecutionSpace>;
  if (basis.extent(0) == 0) return;
  const Matrix<float, ExecutionSpace> shares(work.data(), rows.extent(0), basis.extent(0));
  for (int time = 0; time < 3; ++time) {
    detail::multiply<ExecutionSpace, float>(detail::Form::a_bt, Constant(rows), Constant(basis), 0,
                                            shares);
    detail::multiply<ExecutionSpace, float>(detail::Form::a_b, Constant(shares), Constant(basis), 1,
                                            rows, -1);
  }
}

template <class ExecutionSpace>
void normalize(const ExecutionSpace& space, const Matrix<float, ExecutionSpace>& row) {
  const int size = static_cast<int>(row.extent(1));
  float* const values = row.data();
  double square = 0;
  Kokkos::parallel_reduce(
      "otfleet::training::row_norm", Kokkos::RangePolicy<ExecutionSpace>(space, 0, size),
      KOKKOS_LAMBDA(int i, double& sum) { sum += static_cast<double>(values[i]) * values[i]; },
      square);
  const auto factor = static_cast<float>(1 / std::sqrt(square));
  Kokkos::parallel_for(
      "otfleet::training::normalize_row", Kokkos::RangePolicy<ExecutionSpace>(space, 0, size),
      KOKKOS_LAMBDA(int i) { values[i] *= factor; });
}

}  // namespace

template <class ExecutionSpace>
void orthonormalize_rows(const ExecutionSpace& space, const Matrix<float, ExecutionSpace>& rows,
                         const Matrix<float, ExecutionSpace>& work) {
  const int count = static_cast<int>(rows.extent(0));
  for (int begin = 0; begin < count; begin += rows_a_block) {
    const int end = std::min(count, begin + rows_a_block);
    project_out<ExecutionSpace>(row_range<ExecutionSpace>(rows, 0, begin),
                                row_range<ExecutionSpace>(rows, begin, end), work);
    for (int row = begin; row < end; ++row) {
      project_out<ExecutionSpace>(row_range<ExecutionSpace>(rows, begin, row),
                                  row_range<ExecutionSpace>(rows, row, row + 1), work);
      normalize(space, row_range<ExecutionSpace>(rows, row, row + 1));
    }
  }
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                    \
  template void orthonormalize_rows<Space>(const Space&, const Matrix<float, Space>&, \
                                           const Matrix<float, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

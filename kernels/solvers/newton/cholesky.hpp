#pragma once
#include "kernels/solvers/newton/pack_sums.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels::newton_detail {

/// Factors the lower triangle of a symmetric positive definite matrix [size, stride] in place,
/// A = L L^T, four columns at a time, with a team: n³/6 multiply-adds. The stride is a multiple of
/// the pack width, and `size` is at most `stride`. A pivot that rounding made too small is
/// replaced: L is then the factor of a matrix that is slightly larger.
template <class ExecutionSpace>
struct Cholesky {
  using L = Lanes<ExecutionSpace, double>;
  using Pack = typename L::Pack;
  static constexpr int block = Backend<ExecutionSpace>::cholesky_columns;

  template <class TeamMember>
  KOKKOS_FUNCTION static void factor(const TeamMember& team, double* matrix, int size, int stride) {
    for (int first = 0; first < size; first += block) {
      const int width = size - first < block ? size - first : block;
      // Rows of the block first: the others need them.
      Kokkos::single(Kokkos::PerTeam(team), [&]() {
        for (int k = 0; k < width; ++k) {
          const int j = first + k;
          double* row = matrix + static_cast<long>(j) * stride;
          const double smallest_pivot = 1e-15 * row[j];
          subtract_products(matrix, stride, j, first, k + 1);
          for (int l = 0; l < k; ++l) {
            const double* other = matrix + static_cast<long>(first + l) * stride;
            for (int r = 0; r < l; ++r) row[first + l] -= row[first + r] * other[first + r];
            row[first + l] /= other[first + l];
          }
          double pivot = row[j];
          for (int l = 0; l < k; ++l) pivot -= row[first + l] * row[first + l];
          row[j] = ::sqrt(pivot > smallest_pivot ? pivot : smallest_pivot);
        }
      });
      team.team_barrier();
      team_for(team, size - first - width, [&](int at) {
        const int i = first + width + at;
        subtract_products(matrix, stride, i, first, width);
        double* row = matrix + static_cast<long>(i) * stride;
        for (int l = 0; l < width; ++l) {
          const double* other = matrix + static_cast<long>(first + l) * stride;
          double value = row[first + l];
          for (int r = 0; r < l; ++r) value -= row[first + r] * other[first + r];
          row[first + l] = value / other[first + l];
        }
      });
    }
  }

  /// x = (L L^T)^-1 x.
  template <class TeamMember>
  KOKKOS_FUNCTION static void solve(const TeamMember& team, const double* matrix, int size,
                                    int stride, double* x) {
    // By columns of L^T and L, so that both sweeps run over contiguous rows or a team's threads.
    for (int i = 0; i < size; ++i) {
      const double* row = matrix + static_cast<long>(i) * stride;
      const double dot = team_sum(team, i, [&](int k) { return row[k] * x[k]; });
      Kokkos::single(Kokkos::PerTeam(team), [&]() { x[i] = (x[i] - dot) / row[i]; });
      team.team_barrier();
    }
    for (int i = size - 1; i >= 0; --i) {
      const double* row = matrix + static_cast<long>(i) * stride;
      Kokkos::single(Kokkos::PerTeam(team), [&]() { x[i] /= row[i]; });
      team.team_barrier();
      const double value = x[i];
      team_for(team, i, [&](int k) { x[k] -= row[k] * value; });
    }
  }

 private:
  /// row i, columns first … first + width − 1: minus the products with columns before `first`.
  KOKKOS_FUNCTION static void subtract_products(double* matrix, int stride, int i, int first,
                                                int width) {
    double* row = matrix + static_cast<long>(i) * stride;
    const double* other[block];
    Pack sum[block];
    double rest[block];
    for (int l = 0; l < block; ++l) {
      // Beyond `width`: any row, its result is not used.
      other[l] = matrix + static_cast<long>(first + (l < width ? l : 0)) * stride;
      sum[l] = Pack(0.0);
      rest[l] = 0;
    }
    int k = 0;
    for (; k + L::pack_width <= first; k += L::pack_width) {
      const Pack x = L::load(row + k);
      for (int l = 0; l < block; ++l) sum[l] = sum[l] + x * L::load(other[l] + k);
    }
    for (; k < first; ++k)
      for (int l = 0; l < block; ++l) rest[l] += row[k] * other[l][k];
    for (int l = 0; l < width; ++l) row[first + l] -= sum_lanes(sum[l]) + rest[l];
  }
};

}  // namespace otfleet::kernels::newton_detail

#pragma once
#include <algorithm>
#include <functional>

#include "kernels/geometry/cost_form.hpp"
#include "kernels/huge_pages.hpp"
#include "kernels/operators/in_passes/cloud_points.hpp"

// One pass over all pairs of two clouds that gives sums for both sides: an exponential a pair
// instead of two. Where threads have caches of their own (Backend::takes_two_sided_passes).

namespace otfleet::kernels {

/// Told the sums of rows first … first + count − 1, says what these rows are multiplied by in the
/// sums of the columns. Threads call it at the same time, for rows of their own; `thread` is below
/// TwoSidedWorkspace::threads.
template <class Scalar>
using RowFactors =
    std::function<void(int thread, int first, int count, const Scalar* sums, Scalar* factors)>;

/// What pairs of points add to exponents, −scale C_ij or <x_i, y_j>, kept from pass to pass where
/// reading a number is faster than computing it.
template <class ExecutionSpace, class Scalar>
struct PairTerms {
  using Points = CloudPoints<ExecutionSpace, Scalar>;

  Vector<Scalar, ExecutionSpace> values;  ///< [row blocks][column blocks][row_block][L::width]
  bool holds = false;                     ///< there is room for them
  bool filled = false;

  explicit operator bool() const { return holds; }

  /// For other clouds: room, unless that takes more bytes, or computing is faster. Memory stays
  /// from one to the next: to get it takes longer than an iteration.
  void make_room(const CostForm& cost, const Points& rows, const Points& columns,
                 std::size_t bytes) {
    const bool computes_fast = std::holds_alternative<ProductForm>(cost) &&
                               rows.dimension < Backend<ExecutionSpace>::least_kept_coordinates;
    const std::size_t count = static_cast<std::size_t>(rows.row_blocks()) * Points::row_block *
                              static_cast<std::size_t>(columns.column_blocks()) * Points::L::width;
    filled = false;
    holds = Backend<ExecutionSpace>::takes_two_sided_passes && count > 0 &&
            count <= bytes / sizeof(Scalar) && !computes_fast &&
            !std::holds_alternative<StoredCost>(cost);
    if (!holds || count <= values.extent(0)) return;
    values = Vector<Scalar, ExecutionSpace>();  // not both at once
    values = Vector<Scalar, ExecutionSpace>(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::pair_terms"), count);
    if constexpr (runs_on_host<ExecutionSpace>)
      use_huge_pages(values.data(), count * sizeof(Scalar));
  }
};

/// What a pass needs besides its arguments; for passes over the same clouds.
template <class ExecutionSpace, class Scalar>
struct TwoSidedWorkspace {
  /// Rows of a strip.
  static constexpr int most_rows = Backend<ExecutionSpace>::strip_rows;

  int threads = 0, strip = 0;
  Vector<Scalar, ExecutionSpace> terms;  ///< [threads][strip][columns]
  Vector<double, ExecutionSpace> sums;   ///< [threads][columns]

  TwoSidedWorkspace() = default;
  TwoSidedWorkspace(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena,
                    const CloudPoints<ExecutionSpace, Scalar>& columns) {
    using Points = CloudPoints<ExecutionSpace, Scalar>;
    const auto length = static_cast<std::size_t>(columns.column_blocks()) * Points::L::width;
    const auto fitting = static_cast<int>(std::min<std::size_t>(
        most_rows,
        Backend<ExecutionSpace>::strip_bytes / std::max<std::size_t>(1, length * sizeof(Scalar))));
    strip = std::max(1, fitting / Points::row_block) * Points::row_block;
    threads = concurrent_teams(space);
    terms = arena.template take<Scalar>(length * static_cast<std::size_t>(strip * threads));
    sums = arena.template take<double>(length * static_cast<std::size_t>(threads));
  }
};

/// column_sums_j = Σ_i factor_i 2^(E_ij − shift_i), E_ij = offset_j − scale C_ij, the factors from
/// Σ_j 2^(E_ij − shift_i) by `factors_of`. offset [columns.padded()] holds −inf in its padding,
/// shift [rows.padded()], column_sums [columns.count]. All points are in this memory, and no cells
/// are left out. Sums of columns are over rows in double, strip by strip. `terms`, unless it is
/// null or without room, keeps what pairs add to exponents: the first pass fills it.
template <class ExecutionSpace, class Scalar>
void run_two_sided_pass(const ExecutionSpace& space, const CostForm& cost,
                        const CloudPoints<ExecutionSpace, Scalar>& rows,
                        const CloudPoints<ExecutionSpace, Scalar>& columns,
                        const Vector<Scalar, ExecutionSpace>& offset,
                        const Vector<Scalar, ExecutionSpace>& shift, double scale,
                        const TwoSidedWorkspace<ExecutionSpace, Scalar>& workspace,
                        const RowFactors<Scalar>& factors_of,
                        const Vector<double, ExecutionSpace>& column_sums,
                        PairTerms<ExecutionSpace, Scalar>* terms = nullptr);

}  // namespace otfleet::kernels

#pragma once
#include <cmath>
#include <cstdint>

#include "kernels/backend.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/operators/in_passes/cloud_arena.hpp"
#include "kernels/operators/in_passes/kept_cells.hpp"
#include "kernels/problems/cloud_communicator.hpp"

// What one problem sees of the clouds: the points that carry weight, gathered and laid out.

namespace otfleet::kernels {

/// The points of positive weight of one measure, in order.
template <class ExecutionSpace>
struct Support {
  Vector<const int, ExecutionSpace> index;          ///< [count], into the cloud
  Vector<const double, ExecutionSpace> weight;      ///< [count], shares of the mass
  Vector<const double, ExecutionSpace> log_weight;  ///< [count], to base 2
  int count = 0;
};

/// From the weights of one measure, shares of its mass.
template <class ExecutionSpace>
Support<ExecutionSpace> find_support(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena,
                                     const Vector<const double, ExecutionSpace>& weights) {
  const std::size_t points = weights.extent(0);
  const auto index = arena.template take<int>(points);
  const auto weight = arena.template take<double>(points);
  const auto logarithm = arena.template take<double>(points);
  int count = 0;
  Kokkos::parallel_scan(
      "otfleet::clouds::find_support",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(points)),
      KOKKOS_LAMBDA(int i, int& before, bool last) {
        const double w = weights(i);
        if (!(w > 0)) return;
        if (last) {
          index(before) = i;
          weight(before) = w;
          logarithm(before) = ::log2(w);
        }
        ++before;
      },
      count);
  space.fence();
  return {index, weight, logarithm, count};
}

/// The largest entry of a problem's row of f on the support, or 0 where that is larger; over all
/// ranks that hold the points.
template <class ExecutionSpace>
double largest_on_support(const ExecutionSpace& space,
                          const Vector<const double, ExecutionSpace>& f,
                          const Support<ExecutionSpace>& support, CloudCommunicator* communicator) {
  const auto index = support.index;
  double largest = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::largest_on_support",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, support.count),
      KOKKOS_LAMBDA(int i, double& most) {
        if (f(index(i)) > most) most = f(index(i));
      },
      Kokkos::Max<double>(largest));
  return all_max(communicator, largest);
}

/// The points of one measure where a problem wants them: moved to the problem's center.
template <class ExecutionSpace>
struct PlacedPoints {
  Matrix<const double, ExecutionSpace> points;
  std::int64_t first = 0;                       ///< row of the measure's first point
  Vector<const double, ExecutionSpace> center;  ///< [d], or empty: points are used as they are

  KOKKOS_FUNCTION int dimension() const { return static_cast<int>(points.extent(1)); }
  KOKKOS_FUNCTION double operator()(int i, int k) const {
    const double x = points(first + i, k);
    return center.extent(0) > 0 ? x - center(k) : x;
  }
};

/// Costs that are stored, for the rows of a pass: those of source points lie one after the other,
/// each with its costs to the targets, padded with 0 to whole packs.
template <class ExecutionSpace, class Scalar>
struct StoredCosts {
  Vector<const Scalar, ExecutionSpace> values;  ///< [sources, stride], and room for a strip more
  std::int64_t stride = 0;
  bool by_column = false;  ///< the rows of the pass are targets
};

/// Points in the two layouts that a pass over all pairs reads: as rows, `row_block` of them side by
/// side, whose coordinates are broadcast; and as columns, a tile's width side by side. Both are
/// padded with the last point, whose cost to an equal one is 0, or 0 where there is none.
template <class ExecutionSpace, class Scalar>
struct CloudPoints {
  using L = Lanes<ExecutionSpace, Scalar>;
  static constexpr int row_block = Backend<ExecutionSpace>::pass_rows;

  Vector<Scalar, ExecutionSpace> rows;     ///< [row blocks][dimension][row_block]
  Vector<Scalar, ExecutionSpace> columns;  ///< [column blocks][dimension][L::width]
  int count = 0, dimension = 0;
  bool shared = false;  ///< by all problems of the batch whose points are
  CloudCommunicator* communicator =
      nullptr;  ///< who hold the other points of this side; null: nobody
  /// All points of this side are here, and on every one of these ranks, each of which has points of
  /// the other side to which their sums are local; null: nobody.
  CloudCommunicator* summed_by = nullptr;
  StoredCosts<ExecutionSpace, Scalar> costs;  ///< StoredCost
  KeptCells<ExecutionSpace> kept;  ///< of the other side: what passes over these rows look at

  int row_blocks() const { return (count + row_block - 1) / row_block; }
  int column_blocks() const { return (count + L::width - 1) / L::width; }
  /// Length of arrays with one number a point, so that blocks of either kind may be read whole.
  int padded() const {
    const int by_rows = row_blocks() * row_block, by_columns = column_blocks() * L::width;
    return by_rows > by_columns ? by_rows : by_columns;
  }
};

/// The points of the support, times `factor`.
template <class Scalar, class ExecutionSpace>
CloudPoints<ExecutionSpace, Scalar> gather_points(const ExecutionSpace& space,
                                                  CloudArena<ExecutionSpace>& arena,
                                                  const PlacedPoints<ExecutionSpace>& place,
                                                  const Support<ExecutionSpace>& support,
                                                  double factor) {
  using Points = CloudPoints<ExecutionSpace, Scalar>;
  constexpr int block = Points::row_block, width = Points::L::width;
  const int d = place.dimension(), count = support.count;
  Points result;
  result.count = count;
  result.dimension = d;
  const int row_end = result.row_blocks() * block, column_end = result.column_blocks() * width;
  const auto rows = arena.template take<Scalar>(static_cast<std::size_t>(row_end) * d);
  const auto columns = arena.template take<Scalar>(static_cast<std::size_t>(column_end) * d);
  const auto index = support.index;
  Kokkos::parallel_for(
      "otfleet::clouds::gather_points",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, result.padded()), KOKKOS_LAMBDA(int i) {
        for (int k = 0; k < d; ++k) {
          const int at = i < count ? i : count - 1;
          const Scalar x = at < 0 ? Scalar(0) : static_cast<Scalar>(place(index(at), k) * factor);
          if (i < row_end)
            rows((static_cast<std::size_t>(i / block) * d + k) * block + i % block) = x;
          if (i < column_end)
            columns((static_cast<std::size_t>(i / width) * d + k) * width + i % width) = x;
        }
      });
  result.rows = rows;
  result.columns = columns;
  return result;
}

}  // namespace otfleet::kernels

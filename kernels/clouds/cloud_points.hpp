#pragma once
#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/clouds/point_cloud_cost.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/sinkhorn/checks.hpp"
#include "kernels/sinkhorn/problem_batch.hpp"

// What one problem sees of the clouds: the points that carry weight, gathered and laid out.

namespace otfleet::kernels {

/// The points of positive weight of one measure, in order.
template <class ExecutionSpace>
struct Support {
  Vector<const int, ExecutionSpace> index;          ///< [count], into the cloud
  Vector<const double, ExecutionSpace> weight;      ///< [count], scaled
  Vector<const double, ExecutionSpace> log_weight;  ///< [count], to base 2
  int count = 0;
};

/// Row `measure` of `measures`, times `scale`.
template <class ExecutionSpace>
Support<ExecutionSpace> find_support(const ExecutionSpace& space,
                                     const Measures<ExecutionSpace>& measures, int measure,
                                     double scale) {
  const int points = measures.points();
  const Matrix<const double, ExecutionSpace> weights = measures.weights;
  const Vector<int, ExecutionSpace> index("otfleet::clouds::support", points);
  const Vector<double, ExecutionSpace> weight("otfleet::clouds::support_weight", points);
  const Vector<double, ExecutionSpace> logarithm("otfleet::clouds::support_log", points);
  int count = 0;
  Kokkos::parallel_scan(
      "otfleet::clouds::find_support", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points),
      KOKKOS_LAMBDA(int i, int& before, bool last) {
        const double w = weights(measure, i) * scale;
        if (!(weights(measure, i) > 0)) return;
        if (last) {
          index(before) = i;
          weight(before) = w;
          logarithm(before) = w > 0 ? ::log2(w) : -Kokkos::Experimental::infinity<double>::value;
        }
        ++before;
      },
      count);
  space.fence();
  return {index, weight, logarithm, count};
}

/// Points in the two layouts that a pass over all pairs reads: as rows, `row_block` of them side by
/// side, whose coordinates are broadcast; and as columns, a tile's width side by side. Both are
/// padded with points 0.
template <class ExecutionSpace, class Scalar>
struct CloudPoints {
  using L = Lanes<ExecutionSpace, Scalar>;
  static constexpr int row_block = runs_on_host<ExecutionSpace> ? 6 : 1;

  Vector<Scalar, ExecutionSpace> rows;     ///< [row blocks][dimension][row_block]
  Vector<Scalar, ExecutionSpace> columns;  ///< [column blocks][dimension][L::width]
  int count = 0, dimension = 0;

  int row_blocks() const { return (count + row_block - 1) / row_block; }
  int column_blocks() const { return (count + L::width - 1) / L::width; }
  /// Length of arrays with one number a point, so that blocks of either kind may be read whole.
  int padded() const {
    const int by_rows = row_blocks() * row_block, by_columns = column_blocks() * L::width;
    return by_rows > by_columns ? by_rows : by_columns;
  }
};

/// points [·, d] at index[0…count), times `factor`.
template <class Scalar, class ExecutionSpace>
CloudPoints<ExecutionSpace, Scalar> gather_points(
    const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& points,
    const Vector<const int, ExecutionSpace>& index, int count, double factor) {
  using Points = CloudPoints<ExecutionSpace, Scalar>;
  constexpr int block = Points::row_block, width = Points::L::width;
  const int d = static_cast<int>(points.extent(1));
  Points result;
  result.count = count;
  result.dimension = d;
  const Vector<Scalar, ExecutionSpace> rows(
      "otfleet::clouds::rows", static_cast<std::size_t>(result.row_blocks()) * block * d);
  const Vector<Scalar, ExecutionSpace> columns(
      "otfleet::clouds::columns", static_cast<std::size_t>(result.column_blocks()) * width * d);
  Kokkos::parallel_for(
      "otfleet::clouds::gather_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) {
        for (int k = 0; k < d; ++k) {
          const Scalar x = static_cast<Scalar>(points(index(i), k) * factor);
          rows((static_cast<std::size_t>(i / block) * d + k) * block + i % block) = x;
          columns((static_cast<std::size_t>(i / width) * d + k) * width + i % width) = x;
        }
      });
  result.rows = rows;
  result.columns = columns;
  return result;
}

/// Gathers the supports of one cloud, problem after problem, and keeps the last one that held every
/// point: a batch of measures without zeros lays its points out once.
template <class Scalar, class ExecutionSpace>
class CloudCache {
 public:
  CloudCache(const Matrix<const double, ExecutionSpace>& points, double factor)
      : points_(points), factor_(factor) {}

  CloudPoints<ExecutionSpace, Scalar> gather(const ExecutionSpace& space,
                                             const Vector<const int, ExecutionSpace>& index,
                                             int count) {
    if (count < static_cast<int>(points_.extent(0)))
      return gather_points<Scalar>(space, points_, index, count, factor_);
    if (all_.count == 0) all_ = gather_points<Scalar>(space, points_, index, count, factor_);
    return all_;
  }

 private:
  Matrix<const double, ExecutionSpace> points_;
  double factor_;
  CloudPoints<ExecutionSpace, Scalar> all_;
};

/// The indices of a batch on the host, where problems are taken one after the other.
struct HostIndices {
  Kokkos::View<int*, Kokkos::HostSpace> source, target;
};

/// Throws std::invalid_argument when one of them names a measure that does not exist.
template <class ExecutionSpace>
HostIndices host_indices(const ProblemBatch<ExecutionSpace>& problems) {
  const HostIndices host{
      Kokkos::View<int*, Kokkos::HostSpace>("otfleet::clouds::source_index", problems.size()),
      Kokkos::View<int*, Kokkos::HostSpace>("otfleet::clouds::target_index", problems.size())};
  Kokkos::deep_copy(host.source, problems.source_index);
  Kokkos::deep_copy(host.target, problems.target_index);
  for (int k = 0; k < problems.size(); ++k)
    if (host.source(k) < 0 || host.source(k) >= problems.source.count() || host.target(k) < 0 ||
        host.target(k) >= problems.target.count())
      throw std::invalid_argument("problem " + std::to_string(k) +
                                  " names a measure that does not exist");
  return host;
}

}  // namespace otfleet::kernels

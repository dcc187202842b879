#pragma once
#include "kernels/geometry/gibbs_kernel.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "kernels/geometry/point_cloud_cost.hpp"

// The cost of single pairs on the device, for kernels that look at a plan entry by entry:
// row(i) is what a source point brings, cost(row, j) its cost to target point j.

namespace otfleet::kernels {

/// Costs that are sums over axes, less their minimum.
template <class ExecutionSpace>
struct AxisCosts {
  struct Row {
    const double* costs[SeparableCost::max_axes];
  };
  AxisChain<double> chain;                  ///< of costs, to_target
  Matrix<const int, ExecutionSpace> parts;  ///< [m, axes]: a target point's place on every axis

  KOKKOS_FUNCTION Row row(int i) const {
    Row row{};
    for (int d = chain.axes - 1; d >= 0; --d) {
      const AxisTable<double>& table = chain.axis[d];
      row.costs[d] = table.linear + static_cast<long>(i % table.in) * table.out;
      i /= table.in;
    }
    return row;
  }
  KOKKOS_FUNCTION double cost(const Row& row, int j) const {
    const int* part = &parts(j, 0);
    double sum = row.costs[0][part[0]];
    for (int d = 1; d < chain.axes; ++d) sum += row.costs[d][part[d]];
    return sum;
  }
};

/// The places of the chain's outputs on its axes, [points, axes].
template <class ExecutionSpace>
Matrix<const int, ExecutionSpace> axis_parts(const ExecutionSpace& space,
                                             const AxisChain<double>& chain) {
  const Matrix<int, ExecutionSpace> parts("otfleet::plan::axis_parts", chain.out_points(),
                                          chain.axes);
  Kokkos::parallel_for(
      "otfleet::plan::find_axis_parts",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, chain.out_points()), KOKKOS_LAMBDA(int j) {
        int rest = j;
        for (int d = chain.axes - 1; d >= 0; --d) {
          parts(j, d) = rest % chain.axis[d].out;
          rest /= chain.axis[d].out;
        }
      });
  return parts;
}

/// Costs between points, computed.
template <class Cost, class ExecutionSpace>
struct PointCosts {
  struct Row {
    const double* point;
  };
  Matrix<const double, ExecutionSpace> x, y;
  Cost ground_cost;

  KOKKOS_FUNCTION Row row(int i) const { return {&x(i, 0)}; }
  KOKKOS_FUNCTION double cost(const Row& row, int j) const {
    const double* other = &y(j, 0);
    typename Cost::template Sum<double> sum(0.0);
    for (int c = 0; c < static_cast<int>(y.extent(1)); ++c)
      sum = Cost::add(sum, row.point[c], other[c]);
    return ground_cost.template from_sum<double, double>(sum);
  }
};

}  // namespace otfleet::kernels

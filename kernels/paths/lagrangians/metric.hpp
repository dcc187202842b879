#pragma once
#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/paths/lagrangians/grid.hpp"

namespace otfleet::kernels {

/// ½ v'M(x)v. The grid has the entries of M = [[a, b], [b, c]] as three fields. A spline between
/// them is a mean of its neighbors, so that M is positive definite everywhere.
struct MetricTerms {
  static constexpr int dimension = 2, fields = 3;
  GridField field;

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack value(const Pack* x, const Pack* v, int /*count*/,
                                          Pack* slope_x, Pack* slope_v) const {
    const Pack half(0.5), one(1.0), zero(0.0);
    Pack entry[3] = {one, zero, one}, slope[6] = {zero, zero, zero, zero, zero, zero};
    if (field.rows > 0) field.template at<3>(x, entry, slope);
    const Pack square[3] = {v[0] * v[0], Pack(2.0) * v[0] * v[1], v[1] * v[1]};
    slope_v[0] = entry[0] * v[0] + entry[1] * v[1];
    slope_v[1] = entry[1] * v[0] + entry[2] * v[1];
    for (int j = 0; j < 2; ++j)
      slope_x[j] =
          half * (slope[j] * square[0] + slope[2 + j] * square[1] + slope[4 + j] * square[2]);
    return half * (slope_v[0] * v[0] + slope_v[1] * v[1]);
  }

  /// by [3]: the derivative of L by the numbers at x. On one point.
  OTFLEET_FUNCTION void by_numbers(const double* /*x*/, const double* v, double* by) const {
    by[0] = 0.5 * v[0] * v[0];
    by[1] = v[0] * v[1];
    by[2] = 0.5 * v[1] * v[1];
  }
};

/// A metric, yours or learned: a symmetric positive definite matrix at every node of a grid.
struct MetricLagrangian : LagrangianType {
  static constexpr const char* name = "metric";
  static constexpr const char* meaning =
      "a metric of yours, or a learned one: matrices on a grid (lagrangian.grid)";
  static constexpr std::array<int, 2> node_shape = {2, 2};

  std::shared_ptr<const std::vector<double>> values;  ///< [3, rows, columns], or none
  GridField field = {};
  double least = 1;  ///< no eigenvalue is smaller, rounding included

  /// What a node [2, 2] must be and is not, or null.
  static const char* fault(const double* node) {
    const bool finite =
        std::isfinite(node[0] + node[3]) && std::isfinite(node[1]) && std::isfinite(node[2]);
    if (!finite) return "a metric is finite";
    if (std::fabs(node[1] - node[2]) > 1e-6 * (std::fabs(node[0]) + std::fabs(node[3])))
      return "a metric is symmetric";
    return eigenvalue(node) > 0 ? nullptr : "a metric is positive definite";
  }

  /// Nodes [rows, columns, 2, 2] without a fault.
  void take(std::vector<double> nodes) {
    const std::size_t count = nodes.size() / 4;
    std::vector<double> entries(3 * count);
    for (std::size_t k = 0; k < count; ++k) {
      const double* const node = nodes.data() + 4 * k;
      entries[k] = node[0];
      entries[count + k] = (node[1] + node[2]) / 2;
      entries[2 * count + k] = node[3];
      // What rounds is as large as the larger one.
      const double here = std::fmax(eigenvalue(node) - 1e-14 * (node[0] + node[3]), 0.0);
      least = k == 0 ? here : std::min(least, here);
    }
    values = std::make_shared<const std::vector<double>>(std::move(entries));
  }

  double least_metric() const { return least; }

  /// The terms where the numbers lie at `numbers`.
  MetricTerms terms(const double* numbers) const {
    MetricTerms result{field};
    result.field.values = numbers;
    return result;
  }

  /// On the host.
  double value(const double* x, const double* v, int count, double* slope_x,
               double* slope_v) const {
    return terms(values ? values->data() : nullptr).value(x, v, count, slope_x, slope_v);
  }

 private:
  /// The smaller one of a symmetric matrix: its determinant over the larger one.
  static double eigenvalue(const double* node) {
    const double b = (node[1] + node[2]) / 2, middle = (node[0] + node[3]) / 2;
    const double larger = middle + std::hypot((node[0] - node[3]) / 2, b);
    return larger > 0 ? (node[0] * node[3] - b * b) / larger : larger;
  }
};

}  // namespace otfleet::kernels

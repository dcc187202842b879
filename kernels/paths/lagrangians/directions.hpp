#pragma once
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/paths/lagrangians/grid.hpp"

namespace otfleet::kernels {

/// ½ v'M(x)v with M = I − ½ (1 − along)(I + [[q₁, q₂], [q₂, −q₁]]), cheap along a direction w(x).
/// The grid has q = (w₁² − w₂², 2 w₁w₂), |w| = 1, since w and −w are one direction. Eigenvalues are
/// `along` and 1 where neighbors on the grid agree, and (1 + along) / 2 where they cancel or there
/// is no grid.
struct DirectionTerms {
  static constexpr int dimension = 2, fields = 2;
  GridField field;
  double along;

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack value(const Pack* x, const Pack* v, int /*count*/,
                                          Pack* slope_x, Pack* slope_v) const {
    const Pack half((1 - along) / 2), zero(0.0);
    Pack q[2] = {zero, zero}, slope[4] = {zero, zero, zero, zero};
    if (field.rows > 0) field.template at<2>(x, q, slope);
    const Pack z[2] = {v[0] * v[0] - v[1] * v[1], Pack(2.0) * v[0] * v[1]};
    slope_v[0] = v[0] - half * (v[0] + q[0] * v[0] + q[1] * v[1]);
    slope_v[1] = v[1] - half * (v[1] + q[1] * v[0] - q[0] * v[1]);
    for (int j = 0; j < 2; ++j)
      slope_x[j] = zero - Pack(0.5) * half * (slope[j] * z[0] + slope[2 + j] * z[1]);
    return Pack(0.5) * (slope_v[0] * v[0] + slope_v[1] * v[1]);
  }

  /// by [2]: the derivative of L by the numbers at x. On one point.
  OTFLEET_FUNCTION void by_numbers(const double* /*x*/, const double* v, double* by) const {
    by[0] = (along - 1) / 4 * (v[0] * v[0] - v[1] * v[1]);
    by[1] = (along - 1) / 2 * v[0] * v[1];
  }
};

/// Directions on a grid that are cheap to go along. Scarvelis & Solomon 2023,
/// 'Riemannian metric learning via optimal transport', learn such metrics; NLOT (arXiv 2406.00288,
/// section 4.2) has R(θ(x)) diag(1, along) R(θ(x))'.
struct DirectionsLagrangian : LagrangianType {
  static constexpr const char* name = "directions";
  static constexpr const char* meaning =
      "cheap along directions of yours on a grid (lagrangian.grid)";

  double along = 0.1;  ///< what M has along a direction; it has 1 across
  static constexpr std::array<LagrangianParameter<DirectionsLagrangian>, 1> parameters = {
      {{&DirectionsLagrangian::along, "along",
        "what the metric has along its cheap direction, 1 across", "> 0 and <= 1", is_share}}};
  static constexpr std::array<int, 1> node_shape = {2};

  std::shared_ptr<const std::vector<double>> values;  ///< q [2, rows, columns], |q| <= 1, or none
  GridField field = {};

  /// What a node [2], a vector, must be and is not, or null.
  static const char* fault(const double* node) {
    return std::isfinite(node[0]) && std::isfinite(node[1]) ? nullptr : "a direction is finite";
  }

  /// Nodes [rows, columns, 2] without a fault. A zero vector has q = 0.
  void take(const std::vector<double>& nodes) {
    const std::size_t count = nodes.size() / 2;
    std::vector<double> doubled(2 * count, 0.0);
    for (std::size_t k = 0; k < count; ++k) {
      const double x = nodes[2 * k], y = nodes[2 * k + 1], length = std::hypot(x, y);
      if (length == 0) continue;
      const double cosine = x / length, sine = y / length;
      doubled[k] = cosine * cosine - sine * sine;
      doubled[count + k] = 2 * cosine * sine;
    }
    values = std::make_shared<const std::vector<double>>(std::move(doubled));
  }

  double least_metric() const { return along - 1e-15; }  // M is rounded

  /// The terms where the numbers lie at `numbers`.
  DirectionTerms terms(const double* numbers) const {
    DirectionTerms result{field, along};
    result.field.values = numbers;
    return result;
  }

  /// On the host.
  double value(const double* x, const double* v, int count, double* slope_x,
               double* slope_v) const {
    return terms(values ? values->data() : nullptr).value(x, v, count, slope_x, slope_v);
  }
};

}  // namespace otfleet::kernels

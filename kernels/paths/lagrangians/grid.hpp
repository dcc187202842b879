#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/paths/lagrangian_type.hpp"

namespace otfleet::kernels {

/// What the numbers of a grid are: B(x), times the strength, or the slowness s(x) with the metric
/// M(x) = s(x)² I, whose lengths are times of travel.
enum class GridMeaning { barrier, slowness };

/// Numbers on a grid as a smooth function of the plane: a cubic B-spline with them as coefficients,
/// so that it stays between the smallest and the largest. Value [i, j] belongs to x₁ = low[0] + j
/// step[0], x₂ = low[1] + i step[1]; steps may be negative. Beyond the grid it goes on as at its
/// edge.
struct GridField {
  const double* values;  ///< [rows, columns]
  int rows, columns;
  double low[2], step[2];
  bool turns;  ///< the first coordinate is an angle: the column after the last one is the first

  /// The 4 × 4 numbers that count at a point, and by how much.
  struct Stencil {
    int row[4], column[4];
    double weight[2][4], change[2][4];  ///< of columns and rows, and their derivatives
  };

  OTFLEET_FUNCTION Stencil stencil(double x, double y) const {
    Stencil result;
    const double place[2] = {(x - low[0]) / step[0], (y - low[1]) / step[1]};
    const int count[2] = {columns, rows};
    for (int axis = 0; axis < 2; ++axis) {
      double t = place[axis];
      const bool around = axis == 0 && turns;
      const double most = count[axis] - 1;
      const bool beyond = !around && !(t > 0 && t < most);
      if (beyond) t = t > 0 ? most : 0.0;
      if (around) {  // and 0 for what is no number
        t -= count[axis] * ::floor(t / count[axis]);
        t = t >= 0 && t < count[axis] ? t : 0.0;
      }
      const double cell = ::floor(t);
      const double b = t - cell, a = 1 - b, c = b * b;
      double* const w = result.weight[axis];
      w[0] = a * a * a / 6;
      w[1] = (4 - 6 * c + 3 * c * b) / 6;
      w[2] = (1 + 3 * b + 3 * c - 3 * c * b) / 6;
      w[3] = c * b / 6;
      const double scale = beyond ? 0.0 : 1 / step[axis];
      double* const d = result.change[axis];
      d[0] = -a * a / 2 * scale;
      d[1] = (3 * c - 4 * b) / 2 * scale;
      d[2] = (1 + 2 * b - 3 * c) / 2 * scale;
      d[3] = c / 2 * scale;
      int* const index = axis == 0 ? result.column : result.row;
      for (int j = 0; j < 4; ++j) {
        const int at = static_cast<int>(cell) - 1 + j;
        if (around)
          index[j] = at < 0 ? at + columns : at % columns;
        else
          index[j] = at < 0 ? 0 : at < count[axis] ? at : count[axis] - 1;
      }
    }
    return result;
  }

  /// At one point; slope [2]. `which` of several fields [fields, rows, columns].
  OTFLEET_FUNCTION double at(const Stencil& stencil, int which, double* slope) const {
    const double* const first = values + static_cast<std::size_t>(which) *
                                             static_cast<std::size_t>(rows) *
                                             static_cast<std::size_t>(columns);
    double sum = 0;
    slope[0] = slope[1] = 0;
    for (int i = 0; i < 4; ++i) {
      const double* const row =
          first + static_cast<std::size_t>(stencil.row[i]) * static_cast<std::size_t>(columns);
      double along = 0, along_slope = 0;
      for (int j = 0; j < 4; ++j) {
        const double value = row[stencil.column[j]];
        along += stencil.weight[0][j] * value;
        along_slope += stencil.change[0][j] * value;
      }
      sum += stencil.weight[1][i] * along;
      slope[0] += stencil.weight[1][i] * along_slope;
      slope[1] += stencil.change[1][i] * along;
    }
    return sum;
  }

  /// number [fields] and slope [2 · fields] at one point, or at a pack of them.
  template <int fields, class Pack>
  OTFLEET_FORCEINLINE_FUNCTION void at(const Pack* x, Pack* number, Pack* slope) const {
    if constexpr (std::is_floating_point_v<Pack>) {
      const Stencil near = stencil(double(x[0]), double(x[1]));
      for (int f = 0; f < fields; ++f) {
        double of_point[2];
        number[f] = Pack(at(near, f, of_point));
        for (int i = 0; i < 2; ++i) slope[2 * f + i] = Pack(of_point[i]);
      }
    } else {
      using Number = typename Pack::Number;
      alignas(Pack) Number places[2][Pack::width], numbers[3 * fields][Pack::width];
      x[0].store(places[0]);
      x[1].store(places[1]);
      for (int e = 0; e < Pack::width; ++e) {
        const Stencil near = stencil(double(places[0][e]), double(places[1][e]));
        for (int f = 0; f < fields; ++f) {
          double of_lane[2];
          numbers[3 * f][e] = Number(at(near, f, of_lane));
          numbers[3 * f + 1][e] = Number(of_lane[0]);
          numbers[3 * f + 2][e] = Number(of_lane[1]);
        }
      }
      for (int f = 0; f < fields; ++f) {
        number[f] = Pack::load(numbers[3 * f]);
        slope[2 * f] = Pack::load(numbers[3 * f + 1]);
        slope[2 * f + 1] = Pack::load(numbers[3 * f + 2]);
      }
    }
  }
};

/// ½ v'M(x)v + B(x) with numbers on a grid for B or M; on the globe distances are those of a
/// sphere, by longitude x₁ and latitude x₂ in degrees, in units of its radius.
template <bool on_globe>
struct GridTerms {
  static constexpr int dimension = 2, fields = 1;
  GridField field;
  GridMeaning meaning;
  double strength;

  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION Pack value(const Pack* x, const Pack* v, int /*count*/,
                                          Pack* slope_x, Pack* slope_v) const {
    const Pack kinetic = kinetic_energy(x, v, slope_x, slope_v);
    if (field.rows == 0) return kinetic;
    Pack slope[2], number;
    field.template at<1>(x, &number, slope);
    if (meaning == GridMeaning::barrier) {
      const Pack height(strength);
      for (int i = 0; i < 2; ++i) slope_x[i] = slope_x[i] + height * slope[i];
      return kinetic + height * number;
    }
    const Pack slow = number * number, twice = Pack(2.0) * number * kinetic;
    for (int i = 0; i < 2; ++i) {
      slope_x[i] = slow * slope_x[i] + twice * slope[i];
      slope_v[i] = slow * slope_v[i];
    }
    return slow * kinetic;
  }

  /// by [1]: the derivative of L by the number at x. On one point.
  OTFLEET_FUNCTION void by_numbers(const double* x, const double* v, double* by) const {
    double slope_x[2], slope_v[2], slope[2], number;
    by[0] = strength;
    if (meaning == GridMeaning::barrier) return;
    field.template at<1>(x, &number, slope);
    by[0] = 2 * number * kinetic_energy(x, v, slope_x, slope_v);
  }

 private:
  /// Without the numbers.
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack kinetic_energy(const Pack* x, const Pack* v,
                                                          Pack* slope_x, Pack* slope_v) {
    const Pack half(0.5), zero(0.0);
    Pack square(1.0), bend(0.0), scale(1.0);  // of v₁, its derivative by x₂, of both
    if constexpr (on_globe) {
      const Pack unit(0.017453292519943295), cosine = cos(unit * x[1]);
      square = cosine * cosine;
      bend = zero - Pack(2.0) * unit * cosine * sin(unit * x[1]);
      scale = unit * unit;
    }
    slope_v[0] = scale * square * v[0];
    slope_v[1] = scale * v[1];
    slope_x[0] = zero;
    slope_x[1] = half * scale * bend * v[0] * v[0];
    return half * (slope_v[0] * v[0] + slope_v[1] * v[1]);
  }
};

/// GridTerms with the numbers that they refer to, in the host's memory.
template <bool on_globe>
struct GriddedLagrangian : LagrangianType {
  static constexpr std::array<int, 0> node_shape = {};

  double strength = 1;
  GridMeaning grid_means = GridMeaning::barrier;
  std::shared_ptr<const std::vector<double>>
      values;  ///< [rows, columns], or none: nothing but the metric
  GridField field = {};
  double least = 0;  ///< of the values

  /// What a node, a number, must be and is not, or null.
  const char* fault(const double* node) const {
    if (grid_means == GridMeaning::barrier)
      return std::isfinite(*node) ? nullptr : "a barrier is finite";
    return std::isfinite(*node) && *node > 0 ? nullptr : "a slowness is finite and above zero";
  }

  /// Nodes [rows, columns] without a fault.
  void take(std::vector<double> nodes) {
    least = *std::min_element(nodes.begin(), nodes.end());
    // Columns all the way around, the last one beside the first.
    field.turns =
        on_globe && std::fabs(std::fabs(field.step[0]) * field.columns - 360) < 1e-6 * 360;
    values = std::make_shared<const std::vector<double>>(std::move(nodes));
  }

  /// The terms where the numbers lie at `numbers`.
  GridTerms<on_globe> terms(const double* numbers) const {
    GridTerms<on_globe> result{field, grid_means, strength};
    result.field.values = numbers;
    return result;
  }

  double least_metric() const {
    return field.rows > 0 && grid_means == GridMeaning::slowness ? least * least : 1;
  }
  /// On the globe: half of the squared angle along a great circle, times the least slowness
  /// squared.
  double least_kinetic(const double* x, const double* y) const requires on_globe {
    constexpr double unit = 0.017453292519943295;
    const double half_rise = std::sin(unit * (y[1] - x[1]) / 2),
                 half_turn = std::sin(unit * (y[0] - x[0]) / 2);
    const double share = half_rise * half_rise +
                         std::cos(unit * x[1]) * std::cos(unit * y[1]) * half_turn * half_turn;
    const double angle = 2 * std::asin(std::sqrt(std::fmax(0.0, std::fmin(1.0, share))));
    return 0.5 * least_metric() * angle * angle * (1 - 1e-12);
  }
  double least_barrier() const {
    return field.rows > 0 && grid_means == GridMeaning::barrier ? strength * least : 0;
  }

  /// On the host.
  double value(const double* x, const double* v, int count, double* slope_x,
               double* slope_v) const {
    return terms(values ? values->data() : nullptr).value(x, v, count, slope_x, slope_v);
  }
};

/// Numbers on a grid of the plane: a height map, obstacles, a map of slowness.
struct GridLagrangian : GriddedLagrangian<false> {
  static constexpr const char* name = "grid";
  static constexpr const char* meaning = "numbers of yours on a grid (lagrangian.grid)";
  static constexpr std::array<LagrangianParameter<GridLagrangian>, 1> parameters = {
      {{&GridLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative}}};
};

/// The unit sphere by longitude and latitude in degrees, with or without numbers on a grid. The
/// cost without them is half of the squared angle in radians; paths are great circles. Longitudes
/// are numbers of a line: 170 and −170 are 340 apart, 170 and 190 are 20.
struct GlobeLagrangian : GriddedLagrangian<true> {
  static constexpr const char* name = "globe";
  static constexpr const char* meaning =
      "a sphere by longitude and latitude in degrees, with or without numbers of yours on a grid";
  static constexpr PlaneBox box = {{-180, -80}, {180, 80}};
  static constexpr std::array<LagrangianParameter<GlobeLagrangian>, 1> parameters = {
      {{&GlobeLagrangian::strength, "strength", "of a barrier, in units of the cost", ">= 0",
        is_not_negative}}};
};

}  // namespace otfleet::kernels

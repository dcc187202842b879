#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "kernels/paths/lagrangians/baby_maze.hpp"
#include "kernels/paths/lagrangians/box.hpp"
#include "kernels/paths/lagrangians/circle.hpp"
#include "kernels/paths/lagrangians/crossing.hpp"
#include "kernels/paths/lagrangians/directions.hpp"
#include "kernels/paths/lagrangians/gmm.hpp"
#include "kernels/paths/lagrangians/grid.hpp"
#include "kernels/paths/lagrangians/hill.hpp"
#include "kernels/paths/lagrangians/metric.hpp"
#include "kernels/paths/lagrangians/s_tunnel.hpp"
#include "kernels/paths/lagrangians/slit.hpp"
#include "kernels/paths/lagrangians/squared_euclidean.hpp"
#include "kernels/paths/lagrangians/v_neck.hpp"
#include "kernels/paths/lagrangians/vee.hpp"
#include "kernels/paths/lagrangians/well.hpp"

namespace otfleet::kernels {

/// Points of a path have at most so many coordinates.
inline constexpr int most_path_dimension = 16;

/// What a path pays: one of these types, with its parameters. Everything else takes the list from
/// here; a new Lagrangian is a file and its line.
using Lagrangian =
    std::variant<SquaredEuclideanLagrangian, BoxLagrangian, SlitLagrangian, HillLagrangian,
                 WellLagrangian, BabyMazeLagrangian, GmmLagrangian, VNeckLagrangian,
                 STunnelLagrangian, CircleLagrangian, VeeLagrangian, CrossingLagrangian,
                 GridLagrangian, GlobeLagrangian, DirectionsLagrangian, MetricLagrangian>;

/// Does this type have numbers on a grid? Then it has `field`, which says where, what users give
/// for a node (node_shape; fault() and take()), what kernels see of it, `values`, and terms().
template <class Typed>
inline constexpr bool has_grid = requires(const Typed& typed) {
  typed.terms(nullptr);
};

/// As files spell it.
inline const char* name_of(const Lagrangian& lagrangian) {
  return std::visit([](const auto& typed) { return typed.name; }, lagrangian);
}

/// Coordinates of its points; 0: any number.
inline int dimension_of(const Lagrangian& lagrangian) {
  return std::visit([](const auto& typed) { return typed.dimension; }, lagrangian);
}

/// A number that no path from x to y, [dimension] each, has less action than.
inline double least_action_bound(const Lagrangian& lagrangian, const double* x, const double* y,
                                 int dimension) {
  double square = 0;
  for (int i = 0; i < dimension; ++i) square += (y[i] - x[i]) * (y[i] - x[i]);
  return std::visit(
      [&](const auto& typed) {
        if constexpr (requires { typed.least_kinetic(x, y); })
          return typed.least_kinetic(x, y) + typed.least_barrier();
        else
          return 0.5 * typed.least_metric() * square + typed.least_barrier();
      },
      lagrangian);
}

/// Calls function(parameter, value) for every parameter, which may change the value where the
/// Lagrangian is not constant.
template <class Typed, class Function>
void for_each_parameter_of(Typed& lagrangian, const Function& function) {
  std::visit(
      [&](auto& typed) {
        if constexpr (!std::remove_cvref_t<decltype(typed)>::parameters.empty())
          for (const auto& parameter : typed.parameters)
            function(parameter, typed.*parameter.value);
      },
      lagrangian);
}

/// With so small a share of its barrier's strength, and edges up to ten times as wide: at 0 there
/// is no barrier, at 1 it is the Lagrangian itself. Metrics stay as they are.
inline Lagrangian annealed(Lagrangian lagrangian, double share) {
  for_each_parameter_of(lagrangian, [&](const auto& parameter, double& value) {
    const std::string_view name = parameter.name;
    if (name == "strength") value *= share;
    if (name == "temperature") value *= 10 - 9 * share;
  });
  return lagrangian;
}

/// L(x, v) for a point and a velocity [dimension] of the host.
inline double lagrangian_at(const Lagrangian& lagrangian, const double* x, const double* v,
                            int dimension) {
  double slope_x[most_path_dimension], slope_v[most_path_dimension];
  return std::visit(
      [&](const auto& typed) { return typed.value(x, v, dimension, slope_x, slope_v); },
      lagrangian);
}

/// Each once, with its usual parameters.
inline const std::vector<Lagrangian>& all_lagrangians() {
  static const auto all = []<class... Types>(std::type_identity<std::variant<Types...>>) {
    return std::vector<Lagrangian>{Types()...};
  }(std::type_identity<Lagrangian>());
  return all;
}

/// That of this name with its usual parameters, or nothing.
inline std::optional<Lagrangian> find_lagrangian(std::string_view name) {
  for (const Lagrangian& lagrangian : all_lagrangians())
    if (name == name_of(lagrangian)) return lagrangian;
  return std::nullopt;
}

}  // namespace otfleet::kernels

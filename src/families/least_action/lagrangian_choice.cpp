#include "src/families/least_action/lagrangian_choice.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/fingerprint.hpp"
#include "src/job.hpp"

namespace otfleet {
namespace {

using kernels::Lagrangian;

using kernels::has_grid;

/// Reads [H, W] and checks what it is.
Array read_grid_numbers(const LagrangianOptions& options) {
  auto array = read_array(options.grid);
  if (array.shape.size() != 2 || array.shape[0] < 2 || array.shape[1] < 2)
    throw UserError(fmt::format("{}: must be a matrix of at least two rows and columns, not {}",
                                name_of(options.grid), shape_text(array.shape)));
  const bool slowness = options.grid_means == GridNumbers::slowness;
  for (std::size_t k = 0; k < array.values.size(); ++k) {
    const double value = array.values[k];
    if (std::isfinite(value) && (!slowness || value > 0)) continue;
    const auto columns = static_cast<std::size_t>(array.shape[1]);
    throw UserError(fmt::format(
        "{}: holds {} in row {}, column {}; {}", name_of(options.grid), value, k / columns,
        k % columns, slowness ? "a slowness is finite and above zero" : "a barrier is finite"));
  }
  return array;
}

template <bool on_globe>
void add_grid(const LagrangianOptions& options, kernels::GriddedLagrangian<on_globe>& gridded) {
  auto array = read_grid_numbers(options);
  gridded.grid_means = options.grid_means == GridNumbers::slowness ? kernels::GridMeaning::slowness
                                                                   : kernels::GridMeaning::barrier;
  gridded.least = *std::min_element(array.values.begin(), array.values.end());
  gridded.field = field_over(options.box, array.shape[0], array.shape[1]);
  // Columns all the way around, the last one beside the first.
  const auto& field = gridded.field;
  gridded.field.turns =
      on_globe && std::abs(std::abs(field.step[0]) * field.columns - 360) < 1e-6 * 360;
  gridded.values = std::make_shared<const std::vector<double>>(std::move(array.values));
}

void add_grid(const LagrangianOptions& options, kernels::DirectionsLagrangian& directions) {
  const auto array = read_array(options.grid);
  const auto& shape = array.shape;
  if (shape.size() != 3 || shape[0] < 2 || shape[1] < 2 || shape[2] != 2)
    throw UserError(
        fmt::format("{}: must be [H, W, 2], a vector in at least two rows and columns, not {}",
                    name_of(options.grid), shape_text(shape)));
  for (std::size_t k = 0; k < array.values.size(); ++k)
    if (!std::isfinite(array.values[k]))
      throw UserError(fmt::format("{}: holds {} in row {}, column {}; a direction is finite",
                                  name_of(options.grid), array.values[k],
                                  k / 2 / static_cast<std::size_t>(shape[1]),
                                  k / 2 % static_cast<std::size_t>(shape[1])));
  directions.field = field_over(options.box, shape[0], shape[1]);
  directions.values = std::make_shared<const std::vector<double>>(doubled_directions(array.values));
}

}  // namespace

kernels::GridField field_over(const std::vector<double>& box, std::int64_t rows,
                              std::int64_t columns) {
  kernels::GridField field = {};
  field.rows = static_cast<int>(rows);
  field.columns = static_cast<int>(columns);
  field.low[0] = box[0];
  field.low[1] = box[2];
  field.step[0] = (box[1] - box[0]) / static_cast<double>(columns - 1);
  field.step[1] = (box[3] - box[2]) / static_cast<double>(rows - 1);
  return field;
}

std::vector<double> doubled_directions(std::span<const double> directions) {
  const std::size_t count = directions.size() / 2;
  std::vector<double> doubled(2 * count, 0.0);
  for (std::size_t k = 0; k < count; ++k) {
    const double x = directions[2 * k], y = directions[2 * k + 1], length = std::hypot(x, y);
    if (length == 0) continue;
    const double cosine = x / length, sine = y / length;
    doubled[k] = cosine * cosine - sine * sine;
    doubled[count + k] = 2 * cosine * sine;
  }
  return doubled;
}

Lagrangian read_lagrangian(const LagrangianOptions& options) {
  Lagrangian lagrangian = *kernels::find_lagrangian(options.name);
  for_each_parameter_of(lagrangian, [&](const auto& parameter, double& value) {
    value = options.parameters.at(parameter.name);
  });
  std::visit(
      [&](auto& typed) {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>)
          if (!options.grid.empty()) add_grid(options, typed);
      },
      lagrangian);
  return lagrangian;
}

std::optional<kernels::LeastActionCost> read_least_action_cost(const Job& job) {
  if (!job.lagrangian.bends()) return {};
  return kernels::LeastActionCost{read_lagrangian(job.lagrangian), job.path.settings(),
                                  static_cast<int>(job.path.tries)};
}

std::string least_action_text(const std::optional<kernels::LeastActionCost>& cost) {
  if (!cost) return {};
  return lagrangian_text(cost->lagrangian);
}

std::string lagrangian_text(const Lagrangian& lagrangian) {
  return fmt::format("{} ({})", description_of(lagrangian), fingerprint_of(lagrangian));
}

std::string description_of(const Lagrangian& lagrangian) {
  std::string text = name_of(lagrangian);
  for_each_parameter_of(lagrangian, [&](const auto& parameter, double value) {
    text += fmt::format(", {} {:g}", parameter.name, value);
  });
  std::visit(
      [&](const auto& typed) {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>)
          if (typed.field.rows > 0)
            text += fmt::format(", {} x {} numbers", typed.field.rows, typed.field.columns);
      },
      lagrangian);
  return text;
}

std::string fingerprint_of(const Lagrangian& lagrangian) {
  Fnv hash;
  hash.add(std::string(name_of(lagrangian)));
  for_each_parameter_of(lagrangian,
                        [&](const auto&, double value) { hash.add(std::vector<double>{value}); });
  std::visit(
      [&](const auto& typed) {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>) {
          if (!typed.values) return;
          hash.add(*typed.values);
          double means = 0;
          if constexpr (requires { typed.grid_means; })
            means = static_cast<double>(typed.grid_means);
          hash.add(std::vector<double>{typed.field.low[0], typed.field.low[1], typed.field.step[0],
                                       typed.field.step[1], means,
                                       static_cast<double>(typed.field.rows)});
        }
      },
      lagrangian);
  return hash.digits();
}

void require_points_for(const std::string& name, const Lagrangian& lagrangian,
                        std::span<const double> points, std::int64_t dimension) {
  const int needed = dimension_of(lagrangian);
  if (needed > 0 ? dimension != needed : dimension > kernels::most_path_dimension)
    throw UserError(fmt::format("{}: points of {} coordinates, but lagrangian.name = '{}' takes {}",
                                name, dimension, name_of(lagrangian),
                                needed > 0 ? std::to_string(needed)
                                           : fmt::format("1 to {}", kernels::most_path_dimension)));
  std::visit(
      [&](const auto& typed) {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>) {
          const auto& field = typed.field;
          if (field.rows == 0) return;
          for (std::size_t k = 0; k < points.size(); ++k) {
            const std::size_t axis = k % 2;
            if (axis == 0 && field.turns) continue;
            const double place = (points[k] - field.low[axis]) / field.step[axis];
            const int count = axis == 0 ? field.columns : field.rows;
            if (place < -1e-9 || place > count - 1 + 1e-9)
              throw UserError(
                  fmt::format("{}: point {} has the coordinate {:g}, beyond lagrangian.box = {:g} "
                              "to {:g}",
                              name, k / 2, points[k], field.low[axis],
                              field.low[axis] + field.step[axis] * (count - 1)));
          }
        }
      },
      lagrangian);
}

}  // namespace otfleet

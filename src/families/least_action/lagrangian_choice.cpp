#include "src/families/least_action/lagrangian_choice.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/fingerprint.hpp"
#include "src/job.hpp"
#include "src/models/network_library.hpp"

namespace otfleet {
namespace {

using kernels::Lagrangian;

using kernels::has_grid;

/// "[H, W, 2]", for messages.
template <std::size_t rank>
std::string grid_text(const std::array<int, rank>& node_shape) {
  std::string text = "[H, W";
  for (const int length : node_shape) text += fmt::format(", {}", length);
  return text + "]";
}

/// Where the grid lies: lagrangian.box, or what the file has in the dataset `box` beside the grid,
/// as a model of a metric does.
std::vector<double> box_of(const LagrangianOptions& options) {
  if (!options.box.empty()) return options.box;
  const auto& [file, dataset] = options.grid;
  if (!dataset.empty() && distributed::Hdf5File::is_hdf5(file)) {
    const auto stored = distributed::Hdf5File::open(file);
    const auto end = dataset.rfind('/');
    const std::string box = "/" + (end == dataset.npos ? "" : dataset.substr(0, end + 1)) + "box";
    if (stored.has(box)) {
      std::vector<std::int64_t> shape;
      auto edges = read_numbers(stored, box, 1, shape);
      if (const auto fault = box_fault(edges); !fault.empty() || edges.empty())
        throw UserError(
            fmt::format("{}: {}: {}", file.string(), box, edges.empty() ? "is empty" : fault));
      return edges;
    }
  }
  throw UserError(name_of(options.grid) + ": where it lies is missing; set lagrangian.box");
}

/// What a function of points gives on (cells + 1)² of them, [H, W, …].
Array evaluate_script(const LagrangianOptions& options) {
  const std::int64_t wide = options.cells + 1;
  const auto field = field_over(options.box, wide, wide);
  std::vector<double> places;  // [H, W, 2]
  for (int i = 0; i < field.rows; ++i)
    for (int j = 0; j < field.columns; ++j) {
      places.push_back(field.low[0] + j * field.step[0]);
      places.push_back(field.low[1] + i * field.step[1]);
    }
  ScriptValues found = network_library().run_script(options.torchscript, places, 2);
  // The same on any machine, so that a model knows the function again.
  for (double& value : found.values) value = static_cast<double>(static_cast<float>(value));
  std::vector<std::int64_t> shape = {wide, wide};
  shape.insert(shape.end(), found.shape.begin() + 1, found.shape.end());
  return {std::move(shape), std::move(found.values)};
}

/// The nodes of the grid [H, W, …], checked.
template <class Gridded>
void add_grid(const LagrangianOptions& options, Gridded& gridded) {
  constexpr auto node_shape = Gridded::node_shape;
  if constexpr (requires { gridded.grid_means; })
    gridded.grid_means = options.grid_means == GridNumbers::slowness
                             ? kernels::GridMeaning::slowness
                             : kernels::GridMeaning::barrier;
  const bool script = !options.torchscript.empty();
  const std::string name = script ? options.torchscript : name_of(options.grid);
  Array array = script ? evaluate_script(options) : read_array(options.grid);
  const auto& shape = array.shape;
  if (shape.size() != 2 + node_shape.size() || shape[0] < 2 || shape[1] < 2 ||
      !std::equal(node_shape.begin(), node_shape.end(), shape.begin() + 2))
    throw UserError(fmt::format(
        "{}: must be {} of at least two rows and columns for lagrangian.name = '{}', not {}", name,
        grid_text(node_shape), options.name, shape_text(shape)));
  gridded.field = field_over(box_of(options), shape[0], shape[1]);
  std::size_t length = 1;
  for (const int one : node_shape) length *= static_cast<std::size_t>(one);
  const auto columns = static_cast<std::size_t>(shape[1]);
  for (std::size_t k = 0; k < array.values.size() / length; ++k) {
    const double* const node = array.values.data() + k * length;
    const char* const fault = gridded.fault(node);
    if (fault == nullptr) continue;
    throw UserError(fmt::format("{}: holds {} in row {}, column {}; {}", name,
                                fmt::join(node, node + length, ", "), k / columns, k % columns,
                                fault));
  }
  gridded.take(std::move(array.values));
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

Lagrangian read_lagrangian(const LagrangianOptions& options) {
  Lagrangian lagrangian = *kernels::find_lagrangian(options.name);
  for_each_parameter_of(lagrangian, [&](const auto& parameter, double& value) {
    value = options.parameters.at(parameter.name);
  });
  std::visit(
      [&](auto& typed) {
        if constexpr (has_grid<std::remove_cvref_t<decltype(typed)>>)
          if (options.has_grid()) add_grid(options, typed);
      },
      lagrangian);
  return lagrangian;
}

std::optional<kernels::LeastActionCost> read_least_action_cost(const Job& job) {
  if (!job.lagrangian.bends()) return {};
  return kernels::LeastActionCost{read_lagrangian(job.lagrangian), job.path.settings(),
                                  static_cast<int>(job.path.tries),
                                  job.path.initializer == PathInitializer::model};
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

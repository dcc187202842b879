#include "src/families/least_action/lagrangian_options.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>
#include <vector>

#include "distributed/error.hpp"
#include "kernels/paths/lagrangian.hpp"
#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {
namespace {

constexpr const char* section = "lagrangian.";

std::vector<std::string> lagrangian_names() {
  std::vector<std::string> names;
  for (const auto& lagrangian : kernels::all_lagrangians()) names.push_back(name_of(lagrangian));
  return names;
}

/// "box: a square …; slit: …".
std::string lagrangians_doc() {
  std::vector<std::string> lines;
  for (const auto& lagrangian : kernels::all_lagrangians())
    lines.push_back(std::visit(
        [](const auto& typed) { return fmt::format("{}: {}", typed.name, typed.meaning); },
        lagrangian));
  return fmt::format("what paths pay on their way; {}", fmt::join(lines, "; "));
}

/// "box 3.61, slit 361".
std::string usual_values(const std::string& name) {
  std::vector<std::string> values;
  for (const auto& lagrangian : kernels::all_lagrangians())
    for_each_parameter_of(lagrangian, [&](const auto& parameter, double value) {
      if (parameter.name == name)
        values.push_back(fmt::format("{} {:g}", name_of(lagrangian), value));
    });
  return fmt::format("{}", fmt::join(values, ", "));
}

/// Has it numbers on a grid?
bool takes_grid(const kernels::Lagrangian& lagrangian) {
  return std::visit(
      [](const auto& typed) { return kernels::has_grid<std::remove_cvref_t<decltype(typed)>>; },
      lagrangian);
}

/// May they be barriers or slowness?
bool takes_meaning(const kernels::Lagrangian& lagrangian) {
  return std::visit(
      [](const auto& typed) {
        return requires {
          typed.grid_means;
        };
      },
      lagrangian);
}

/// "'grid', 'globe', …".
std::string names_with_grid() {
  std::vector<std::string> names;
  for (const auto& lagrangian : kernels::all_lagrangians())
    if (takes_grid(lagrangian)) names.push_back(fmt::format("'{}'", name_of(lagrangian)));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// What is wrong with the grid of [lagrangian], or empty.
std::string grid_complaint(const Job& job) {
  const auto& options = job.lagrangian;
  const auto chosen = *kernels::find_lagrangian(options.name);
  const bool can_do_without = std::holds_alternative<kernels::GlobeLagrangian>(chosen);
  if (!options.has_grid() && !can_do_without && takes_grid(chosen))
    return fmt::format(
        "lagrangian.name = '{}' needs lagrangian.grid.file or lagrangian.torchscript",
        options.name);
  if (options.has_grid() && !takes_grid(chosen))
    return fmt::format("{} is for lagrangian.name = {}, not '{}'",
                       options.grid.empty() ? "lagrangian.torchscript" : "lagrangian.grid.file",
                       names_with_grid(), options.name);
  if (!options.grid.empty() && !options.torchscript.empty())
    return "lagrangian.grid.file and lagrangian.torchscript: only one of them can be";
  if (job.sets("lagrangian.grid_means") && (!options.has_grid() || !takes_meaning(chosen)))
    return "lagrangian.grid_means needs numbers, of lagrangian.grid.file or lagrangian.torchscript";
  if (job.sets("lagrangian.cells") && options.torchscript.empty())
    return "lagrangian.cells needs lagrangian.torchscript";
  if (!options.torchscript.empty() && options.box.empty())
    return "lagrangian.torchscript needs lagrangian.box";
  if (!options.has_grid() && !options.box.empty())
    return "lagrangian.box needs lagrangian.grid.file or lagrangian.torchscript";
  return {};
}

bool concerns_paths(const std::string& key) {
  return key.starts_with(section) || key.starts_with("path.");
}

}  // namespace

bool LagrangianOptions::bends() const {
  return name != kernels::SquaredEuclideanLagrangian::name;
}

std::string box_fault(const std::vector<double>& box) {
  if (box.empty()) return "";
  if (box.size() != 4) return "must have four numbers";
  for (const double edge : box)
    if (!std::isfinite(edge)) return "must be finite";
  return box[0] != box[1] && box[2] != box[3] ? "" : "must not be empty";
}

void add_keys(KeyList& keys, LagrangianOptions& lagrangian) {
  keys.add("name", lagrangian.name, checks::one_of(lagrangian_names()), lagrangians_doc());
  const auto finite = [](double value) -> std::string {
    return std::isfinite(value) ? "" : "must be finite";
  };
  for (const auto& one : kernels::all_lagrangians())
    for_each_parameter_of(one, [&](const auto& parameter, double) {
      if (keys.find(std::string(section) + parameter.name) != nullptr) return;
      double& value = lagrangian.parameters.try_emplace(parameter.name, 0.0).first->second;
      keys.add(parameter.name, value, finite,
               fmt::format("{}, {}; not set: {}", parameter.meaning, parameter.range,
                           usual_values(parameter.name)));
    });
  add_array(
      keys, "grid", lagrangian.grid,
      "numbers [H, W] on a grid, of grid and globe: a height map, obstacles, a map of slowness; "
      "of directions: vectors [H, W, 2]; of metric: symmetric matrices [H, W, 2, 2]; between them "
      "a cubic B-spline goes on smoothly");
  keys.add("torchscript", lagrangian.torchscript, checks::anything,
           "or a TorchScript file: a function of points [N, 2] that gives such numbers [N, …]; it "
           "is taken at the nodes of a grid");
  keys.add("cells", lagrangian.cells, checks::integer(1, 2000),
           "of that grid, along each axis of lagrangian.box");
  keys.add("box", lagrangian.box, box_fault,
           "where the grid lies: x of its first and last column, y of its first and last row; not "
           "set: the dataset `box` beside it in an HDF5 file");
  keys.add("grid_means", lagrangian.grid_means,
           "what its numbers are; barrier: what a path pays for its time there, times "
           "lagrangian.strength; slowness: by how much distances are longer there");
}

void settle_lagrangian(LagrangianOptions& lagrangian, const std::set<std::string>& given,
                       const std::string& file) {
  std::set<std::string> known;
  const auto chosen = kernels::find_lagrangian(lagrangian.name);
  for_each_parameter_of(*chosen, [&](const auto& parameter, double usual) {
    const std::string key = section + std::string(parameter.name);
    double& option = lagrangian.parameters.at(parameter.name);
    known.insert(key);
    if (!given.contains(key))
      option = usual;
    else if (!parameter.allows(option))
      throw UserError(fmt::format("{}: {} = {:g}: must be {}", file, key, option, parameter.range));
  });
  for (const auto& [name, value] : lagrangian.parameters)
    if (const std::string key = section + name; given.contains(key) && !known.contains(key))
      throw UserError(
          fmt::format("{}: {} is not for lagrangian.name = '{}'", file, key, lagrangian.name));
}

void set_path_defaults(Job& job) {
  job.model.architecture = "mlp";
  job.model.hidden = {128, 128};
  job.model.activation = kernels::Activation::silu;
  job.train.batch = 1024;
  job.evaluate.thresholds = {1e-1, 1e-2, 1e-3, 1e-5};
}

std::string least_action_complaint(const Job& job) {
  const bool paths = job.problem.kind == ProblemKind::least_action;
  const bool learns = job.problem.kind == ProblemKind::metric_learning;
  if (!paths && !learns && !job.problem.least_action && !job.is_neural_dual()) {
    for (const auto& key : job.given)
      if (concerns_paths(key))
        return fmt::format(
            "{} needs problem = 'least_action', 'metric_learning' or 'neural_dual', or "
            "problem.cost = 'least_action'",
            key);
    return {};
  }
  if ((paths || learns) && job.model.architecture != "mlp")
    return fmt::format("problem = '{}' needs model.architecture = 'mlp', not '{}'",
                       word_of(job.problem.kind), job.model.architecture);
  if (!learns)  // else metric_complaint() says it
    if (auto complaint = grid_complaint(job); !complaint.empty()) return complaint;
  const auto& path = job.path;
  if (path.from.empty() != path.to.empty())
    return "path.from.file and path.to.file: only one of them is given";
  if (!paths)
    for (const char* key : {"path.from.file", "path.to.file", "path.pairs"})
      if (job.sets(key)) return fmt::format("{} needs problem = 'least_action'", key);
  if (path.initializer == PathInitializer::model && !paths && !job.is_neural_dual())
    return "path.initializer = 'model' needs problem = 'least_action' or 'neural_dual'";
  if (learns)
    for (const char* key : {"path.draws", "path.tries", "path.save"})
      if (job.sets(key)) return fmt::format("{} is not for problem = 'metric_learning'", key);
  if (paths && !path.from.empty() && job.sets("path.draws"))
    return "path.draws is for samples; path.from.file names the points";
  return {};
}

}  // namespace otfleet

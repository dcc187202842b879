#include "src/populations/population_names.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "distributed/error.hpp"
#include "src/config/nearest_name.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using Names = std::vector<std::string>;

/// "kind", "cost", the parameters of all costs, and whose least actions a matrix has.
const Names& geometry_attributes() {
  static const auto names = [] {
    Names all = {"kind", "cost"};
    for (const auto& cost : kernels::all_ground_costs())
      for_each_parameter(
          cost, [&](const kernels::ParameterFacts& facts, double) { all.push_back(facts.name); });
    all.emplace_back("lagrangian");
    return all;
  }();
  return names;
}

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void fail(const Hdf5File& file, const std::string& text) {
  throw UserError(file.path().string() + ": " + text);
}

/// Of a table of clouds.
const Names& cloud_parts() {
  static const Names names = {"weights", "points", "offsets", "names", "thumbnails"};
  return names;
}

/// What may stand in a group, of whatever kind the population is.
Names known_members(const std::string& group) {
  if (group == "/geometry")
    return {"axis_0", "axis_1", "axis_2", "cost", "source_points", "target_points"};
  Names names;
  for (const char* side : {"", "source_", "target_"})
    for (const auto& part : cloud_parts()) names.push_back(side + part);
  names.push_back("labels");
  return names;
}

void require_known(const Hdf5File& file, const std::string& group, const std::string& what,
                   const std::string& name, const Names& known) {
  if (contains(known, name)) return;
  const auto near = nearest_name(name, known);
  fail(file, fmt::format("{}: unknown {} '{}'; {}", group, what, name,
                         near.empty() ? fmt::format("known are '{}'", fmt::join(known, "', '"))
                                      : fmt::format("did you mean '{}'?", near)));
}

/// An attribute of /geometry on another object says something that nobody reads.
void require_no_geometry_attributes(const Hdf5File& file, const std::string& object) {
  for (const auto& name : file.attributes(object))
    if (contains(geometry_attributes(), name))
      fail(file, fmt::format("attribute '{}' of {} says nothing there; it belongs to /geometry",
                             name, object));
}

/// The axes of a grid: axis_0, axis_1, … without a gap.
Names axis_names(const Hdf5File& file) {
  Names names;
  for (int d = 0; file.has(fmt::format("/geometry/axis_{}", d)); ++d)
    names.push_back(fmt::format("axis_{}", d));
  return names;
}

Names used_members(const Hdf5File& file, GeometryKind kind) {
  switch (kind) {
    case GeometryKind::grid:
      return axis_names(file);
    case GeometryKind::dense:
      return {"cost", "source_points", "target_points"};
    case GeometryKind::points:
      return {"source_points", "target_points"};
    case GeometryKind::clouds:
      break;
  }
  return {};
}

Names used_measures(const Hdf5File& file, GeometryKind kind) {
  const bool clouds = kind == GeometryKind::clouds;
  const Names parts = clouds ? cloud_parts() : Names{"weights", "labels"};
  const bool shared = file.has(clouds ? "/measures/offsets" : "/measures/weights");
  if (shared) return parts;
  Names names;
  for (const char* side : {"source_", "target_"})
    for (const auto& part : parts) names.push_back(side + part);
  return names;
}

void require_used(const Hdf5File& file, const std::string& group, const Names& used,
                  GeometryKind kind) {
  for (const auto& name : file.children(group))
    if (!contains(used, name))
      fail(file, fmt::format("{}/{} says nothing where the geometry's kind is '{}'; it reads {}",
                             group, name, word_of(kind),
                             used.empty() ? "nothing there"
                                          : fmt::format("'{}'", fmt::join(used, "', '"))));
}

/// The attribute cost and those of parameters.
void check_cost_attributes(const Hdf5File& file, GeometryKind kind) {
  const auto cost = file.string_attribute("/geometry", "cost");
  const std::string of_grids = kernels::SquaredEuclideanCost::name;
  if (kind == GeometryKind::grid && cost && *cost != of_grids)
    fail(file, fmt::format("/geometry, attribute cost = '{}': a grid has cost '{}' "
                           "alone; with kind = 'points' or 'dense' any is possible",
                           *cost, of_grids));
  if ((kind == GeometryKind::points || kind == GeometryKind::clouds) && !cost)
    fail(file, fmt::format("/geometry has no attribute cost; it must be one of '{}'",
                           fmt::join(ground_cost_names(), "', '")));
  for (const auto& known : kernels::all_ground_costs())
    for_each_parameter(known, [&](const kernels::ParameterFacts& facts, double) {
      const auto value = file.number_attribute("/geometry", facts.name);
      const bool takes = cost && *cost == name_of(known);
      if (takes && facts.required && !value)
        fail(file, fmt::format("/geometry has cost = '{}' but no attribute {}, {}", *cost,
                               facts.name, facts.meaning));
      if (!takes && value)
        fail(file, fmt::format("/geometry, attribute {} = {} goes with cost = '{}' alone, the "
                               "cost is '{}'",
                               facts.name, *value, name_of(known),
                               cost.value_or(kind == GeometryKind::dense ? "matrix" : of_grids)));
    });
}

}  // namespace

GeometryKind geometry_kind(const Hdf5File& file) {
  if (const auto kind = file.string_attribute("/geometry", "kind")) {
    if (const auto known = value_of<GeometryKind>(*kind)) return *known;
    fail(file, fmt::format("/geometry, attribute kind must be one of '{}', not '{}'",
                           fmt::join(words_of<GeometryKind>(), "', '"), *kind));
  }
  if (file.has("/measures/offsets") || file.has("/measures/source_offsets"))
    return GeometryKind::clouds;
  if (file.has("/geometry/axis_0")) return GeometryKind::grid;
  if (file.has("/geometry/cost")) return GeometryKind::dense;
  if (file.has("/geometry/source_points")) return GeometryKind::points;
  fail(file,
       "/geometry must hold axis_0 (a grid), cost (a dense cost) or source_points and "
       "target_points");
}

std::optional<GeometryKind> find_geometry_kind(const Hdf5File& file) {
  if (!file.has("/geometry") || !file.has("/measures")) return {};
  return geometry_kind(file);
}

void check_known_names(const Hdf5File& file, const Names& problems) {
  require_no_geometry_attributes(file, "/");
  for (const std::string group : {"/geometry", "/measures", "/problems"}) {
    if (group == "/geometry")
      for (const auto& name : file.attributes(group))
        require_known(file, group, "attribute", name, geometry_attributes());
    else if (const auto names = file.attributes(group); !names.empty())
      fail(file, fmt::format("{}: unknown attribute '{}'; it has none, those of /geometry are '{}'",
                             group, names.front(), fmt::join(geometry_attributes(), "', '")));
    const auto known = group == "/problems" ? problems : known_members(group);
    for (const auto& name : file.children(group)) {
      const auto path = group + "/" + name;
      const bool axis = group == "/geometry" && name.starts_with("axis_") && name.size() > 5 &&
                        name.find_first_not_of("0123456789", 5) == std::string::npos;
      if (!axis) require_known(file, group, "dataset", name, known);
      if (file.has(path)) require_no_geometry_attributes(file, path);
    }
  }
}

void check_used_names(const Hdf5File& file) {
  const auto kind = geometry_kind(file);
  check_cost_attributes(file, kind);
  require_used(file, "/geometry", used_members(file, kind), kind);
  require_used(file, "/measures", used_measures(file, kind), kind);
}

}  // namespace otfleet

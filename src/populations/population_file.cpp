// The HDF5 file of a population; population.hpp describes its layout.
#include <spdlog/fmt/fmt.h>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population.hpp"
#include "src/populations/population_names.hpp"
#include "src/populations/population_parts.hpp"
#include "src/populations/sequences.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using Shape = std::vector<std::int64_t>;

void read_measures(const Hdf5File& file, Population& population) {
  const auto fail = [&](const std::string& text) {
    throw UserError(file.path().string() + ": " + text);
  };
  const bool shared = file.has("/measures/weights");
  const bool source = file.has("/measures/source_weights");
  const bool target = file.has("/measures/target_weights");
  if (shared && (source || target)) {
    fail("/measures holds both weights and weights of one side; either is enough");
  }
  if (!shared && !(source && target)) {
    fail("/measures must hold weights, or source_weights and target_weights");
  }
  population.shared_measures = shared;
  Shape shape;
  population.source_weights =
      read_numbers(file, shared ? "/measures/weights" : "/measures/source_weights", 2, shape);
  population.source_measures = shape[0];
  population.geometry.n = population.geometry.m = shape[1];
  if (file.has("/measures/labels")) {
    population.labels = read_integers(file, "/measures/labels");
    if (static_cast<std::int64_t>(population.labels.size()) != shape[0])
      fail(fmt::format("/measures/labels has {} labels for {} measures", population.labels.size(),
                       shape[0]));
  }
  if (!shared) {
    population.target_weights = read_numbers(file, "/measures/target_weights", 2, shape);
    population.target_measures = shape[0];
    population.geometry.m = shape[1];
  }
}

void read_grid(const Hdf5File& file, Geometry& geometry) {
  geometry.kind = Geometry::Kind::grid;
  for (int d = 0; file.has(fmt::format("/geometry/axis_{}", d)); ++d) {
    Shape shape;
    geometry.axes.push_back(read_numbers(file, fmt::format("/geometry/axis_{}", d), 1, shape));
  }
}

void read_points(const Hdf5File& file, Geometry& geometry) {
  for (const char* side : {"source_points", "target_points"}) {
    if (!file.has(std::string("/geometry/") + side))
      throw UserError(fmt::format("{}: /geometry needs both source_points and target_points",
                                  file.path().string()));
  }
  Shape shape;
  geometry.source_points = read_numbers(file, "/geometry/source_points", 2, shape);
  geometry.dimension = shape[1];
  geometry.target_points = read_numbers(file, "/geometry/target_points", 2, shape);
  if (shape[1] != geometry.dimension) {
    throw UserError(fmt::format("{}: /geometry/source_points have {} coordinates, target_points {}",
                                file.path().string(), geometry.dimension, shape[1]));
  }
}

void read_dense(const Hdf5File& file, Geometry& geometry) {
  geometry.kind = Geometry::Kind::dense;
  Shape shape;
  geometry.cost = read_numbers(file, "/geometry/cost", 2, shape);
  if (shape != Shape{geometry.n, geometry.m}) {
    throw UserError(
        fmt::format("{}: /geometry/cost has shape {}, but the measures have {} and {} "
                    "points",
                    file.path().string(), shape_text(shape), geometry.n, geometry.m));
  }
  if (file.has("/geometry/source_points") || file.has("/geometry/target_points"))
    read_points(file, geometry);
  const auto cost = file.string_attribute("/geometry", "cost").value_or("matrix");
  geometry.ground_cost.reset();
  geometry.lagrangian = file.string_attribute("/geometry", "lagrangian").value_or("");
  if (cost != geometry.cost_name()) geometry.ground_cost = read_ground_cost(file, cost);
}

}  // namespace

void read_geometry(const Hdf5File& file, Geometry& geometry) {
  const auto kind = geometry_kind(file);
  if (kind == GeometryKind::grid) return read_grid(file, geometry);
  if (kind == GeometryKind::dense) return read_dense(file, geometry);
  geometry.kind = Geometry::Kind::points;
  read_points(file, geometry);
  if (const auto cost = file.string_attribute("/geometry", "cost"))
    geometry.ground_cost = read_ground_cost(file, *cost);
}

namespace {

void write_numbers(Hdf5File& file, const std::string& dataset, const Shape& shape,
                   const std::vector<double>& values) {
  file.write<double>(dataset, shape, values);
}

}  // namespace

void write_geometry(Hdf5File& file, const Geometry& geometry) {
  file.create_group("/geometry");
  if (geometry.kind == Geometry::Kind::grid) {
    file.set_attribute("/geometry", "kind", std::string("grid"));
    for (std::size_t d = 0; d < geometry.axes.size(); ++d) {
      write_numbers(file, fmt::format("/geometry/axis_{}", d),
                    {static_cast<std::int64_t>(geometry.axes[d].size())}, geometry.axes[d]);
    }
    return;
  }
  const bool dense = geometry.kind == Geometry::Kind::dense;
  file.set_attribute("/geometry", "kind", std::string(dense ? "dense" : "points"));
  if (geometry.ground_cost)
    write_ground_cost(file, *geometry.ground_cost);
  else
    file.set_attribute("/geometry", "cost", geometry.cost_name());
  if (!geometry.lagrangian.empty())
    file.set_attribute("/geometry", "lagrangian", geometry.lagrangian);
  if (dense) write_numbers(file, "/geometry/cost", {geometry.n, geometry.m}, geometry.cost);
  if (geometry.dimension > 0) {
    write_numbers(file, "/geometry/source_points", {geometry.n, geometry.dimension},
                  geometry.source_points);
    write_numbers(file, "/geometry/target_points", {geometry.m, geometry.dimension},
                  geometry.target_points);
  }
}

Population read_population(const std::filesystem::path& path, bool equal_masses) {
  const auto file = Hdf5File::open(path);
  check_population_groups(file);
  if (holds_clouds(file))
    throw UserError(path.string() +
                    ": every measure has points of its own; here all have to share theirs");
  check_known_names(file);
  Population population;
  read_measures(file, population);
  read_geometry(file, population.geometry);
  population.source = read_indices(file, "/problems/source");
  population.target = read_indices(file, "/problems/target");
  population.sequence = read_sequence(file);
  check_used_names(file);
  population.validate(path.string(), equal_masses);
  return population;
}

void write_population(const std::filesystem::path& path, const Population& population) {
  distributed::StagedPath staged(path, distributed::FileMark::hdf5(population_kind));
  auto file = Hdf5File::create(staged.temporary());
  mark_population(file);
  write_geometry(file, population.geometry);
  const auto& geometry = population.geometry;
  if (population.shared_measures) {
    write_numbers(file, "/measures/weights", {population.source_measures, geometry.n},
                  population.source_weights);
    if (!population.labels.empty())
      file.write<std::int64_t>("/measures/labels", {population.source_measures}, population.labels);
  } else {
    write_numbers(file, "/measures/source_weights", {population.source_measures, geometry.n},
                  population.source_weights);
    write_numbers(file, "/measures/target_weights", {population.target_measures, geometry.m},
                  population.target_weights);
  }
  write_problems(file, population.source, population.target);
  write_sequence(file, population.sequence);
  file.set_attribute("/", content_attribute, population.content_fingerprint());
  file.close();
  staged.commit();
}

}  // namespace otfleet

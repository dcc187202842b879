#include "src/populations/cloud_population.hpp"

#include <spdlog/fmt/fmt.h>

#include <bit>
#include <cmath>
#include <limits>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"
#include "src/data/fingerprint.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population_names.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

/// Of `total` points.
void check_offsets(const std::string& name, const CloudTable& table, std::int64_t total) {
  const auto& offsets = table.offsets;
  if (offsets.empty()) throw UserError(name + " is empty; it must begin with 0");
  if (offsets.front() != 0)
    throw UserError(fmt::format("{} begins with {}, not with 0", name, offsets.front()));
  for (std::int64_t s = 0; s < table.count(); ++s) {
    if (offsets[s + 1] < offsets[s])
      throw UserError(fmt::format("{} falls from {} to {} after measure {}", name, offsets[s],
                                  offsets[s + 1], s));
    if (table.size(s) == 0) throw UserError(fmt::format("{}: measure {} has no points", name, s));
    if (table.size(s) > std::numeric_limits<std::int32_t>::max())
      throw UserError(
          fmt::format("{}: measure {} has {} points, more than 2^31 − 1", name, s, table.size(s)));
  }
  if (offsets.back() != total)
    throw UserError(
        fmt::format("{} ends with {}, but there are {} weights", name, offsets.back(), total));
  if (table.count() == 0) throw UserError(name + " holds no measures");
}

/// Checks one side's measures, whose datasets begin with `prefix`; returns their masses.
std::vector<double> check_table(const std::string& prefix, const CloudTable& table,
                                std::int64_t dimension, const kernels::GroundCost& cost) {
  const auto total = static_cast<std::int64_t>(table.weights.size());
  check_offsets(prefix + "offsets", table, total);
  if (dimension < 1 || static_cast<std::int64_t>(table.points.size()) != total * dimension)
    throw UserError(fmt::format("{}points holds {} values, not {} points of {} coordinates", prefix,
                                table.points.size(), total, dimension));
  std::vector<double> masses;
  for (std::int64_t s = 0; s < table.count(); ++s) {
    check_points(prefix, s,
                 std::span(table.points)
                     .subspan(static_cast<std::size_t>(table.offsets[s] * dimension),
                              static_cast<std::size_t>(table.size(s) * dimension)),
                 dimension, 0, cost);
    masses.push_back(
        check_measure(prefix + "weights", "measure", s,
                      std::span(table.weights)
                          .subspan(table.offsets[s], static_cast<std::size_t>(table.size(s)))));
  }
  return masses;
}

/// One side's offsets alone.
CloudTable read_table_outline(const Hdf5File& file, const std::string& prefix,
                              std::int64_t& dimension) {
  CloudTable table;
  table.offsets = read_integers(file, prefix + "offsets");
  const auto total = numbers_shape(file, prefix + "weights", 1)[0];
  const auto shape = numbers_shape(file, prefix + "points", 2);
  if (shape[0] != total)
    throw UserError(fmt::format("{}: {}points has shape {}, but there are {} weights",
                                file.path().string(), prefix, shape_text(shape), total));
  if (dimension > 0 && shape[1] != dimension)
    throw UserError(fmt::format("{}: source points have {} coordinates, target points {}",
                                file.path().string(), dimension, shape[1]));
  dimension = shape[1];
  if (dimension < 1)
    throw UserError(fmt::format("{}: {}points has shape {}, without coordinates",
                                file.path().string(), prefix, shape_text(shape)));
  check_offsets(file.path().string() + ": " + prefix + "offsets", table, total);
  return table;
}

void read_table(const Hdf5File& file, const std::string& prefix, CloudTable& table) {
  table.weights = file.read<double>(prefix + "weights");
  table.points = file.read<double>(prefix + "points");
}

void write_table(Hdf5File& file, const std::string& prefix, const CloudTable& table,
                 std::int64_t dimension) {
  const auto total = static_cast<std::int64_t>(table.weights.size());
  file.write<std::int64_t>(prefix + "offsets", {table.count() + 1}, table.offsets);
  file.write<double>(prefix + "weights", {total}, table.weights);
  file.write<double>(prefix + "points", {total, dimension}, table.points);
}

}  // namespace

void check_points(const std::string& prefix, std::int64_t measure, std::span<const double> points,
                  std::int64_t dimension, std::int64_t first, const kernels::GroundCost& cost) {
  for (std::size_t i = 0; i < points.size(); ++i)
    if (!std::isfinite(points[i]))
      throw UserError(fmt::format("{}points measure {} has the coordinate {} (at point {})", prefix,
                                  measure, points[i],
                                  first + static_cast<std::int64_t>(i) / dimension));
  check_cost_takes(fmt::format("{}points measure {}", prefix, measure), cost, points, dimension,
                   "point", first);
}

std::string CloudPopulation::prefix(bool source) const {
  return shared_measures ? "/measures/" : source ? "/measures/source_" : "/measures/target_";
}

std::string CloudPopulation::fingerprint() const {
  Fnv hash;
  hash.add(4);  // after the kinds of Geometry
  hash.add(static_cast<std::uint64_t>(dimension));
  add_ground_cost(hash, ground_cost);
  return hash.digits();
}

std::string CloudPopulation::content_fingerprint() const {
  Fnv hash;
  hash.add(fingerprint());
  for (const CloudTable* table : {&sources, &targets}) {
    hash.add(table->weights);
    hash.add(table->points);
    hash.add(table->offsets);
  }
  hash.add(source);
  hash.add(target);
  return hash.digits();
}

void CloudPopulation::normalize() {
  for (CloudTable* table : {&sources, &targets})
    for (std::int64_t s = 0; s < table->count(); ++s)
      scale_to_mass_one(std::span(table->weights)
                            .subspan(static_cast<std::size_t>(table->offsets[s]),
                                     static_cast<std::size_t>(table->size(s))));
}

void CloudPopulation::validate(const std::string& name, bool equal_masses) const {
  check_ground_cost(name, ground_cost);
  const auto source_masses =
      check_table(name + ": " + prefix(true), sources, dimension, ground_cost);
  const auto own_target_masses =
      shared_measures ? std::vector<double>{}
                      : check_table(name + ": " + prefix(false), targets, dimension, ground_cost);
  check_problems(name, source, target, source_masses,
                 shared_measures ? source_masses : own_target_masses, equal_masses, false);
}

bool holds_clouds(const Hdf5File& file) {
  return file.has("/geometry") && file.has("/measures") &&
         geometry_kind(file) == GeometryKind::clouds;
}

bool holds_clouds(const std::filesystem::path& path) {
  return holds_clouds(Hdf5File::open(path));
}

CloudPopulation read_cloud_outline(const Hdf5File& file) {
  check_population_groups(file);
  check_known_names(file);
  CloudPopulation population;
  if (const auto cost = file.string_attribute("/geometry", "cost"))
    population.ground_cost = read_ground_cost(file, *cost);
  check_ground_cost(file.path().string(), population.ground_cost);
  population.shared_measures = !file.has("/measures/source_offsets");
  if (!population.shared_measures && file.has("/measures/offsets"))
    throw UserError(file.path().string() +
                    ": /measures holds both offsets and offsets of one side; either is enough");
  population.sources = read_table_outline(file, population.prefix(true), population.dimension);
  if (!population.shared_measures)
    population.targets = read_table_outline(file, population.prefix(false), population.dimension);
  population.source = read_indices(file, "/problems/source");
  population.target = read_indices(file, "/problems/target");
  check_used_names(file);
  return population;
}

CloudPopulation read_cloud_population(const std::filesystem::path& path, bool equal_masses) {
  const auto file = Hdf5File::open(path);
  CloudPopulation population = read_cloud_outline(file);
  read_table(file, population.prefix(true), population.sources);
  if (!population.shared_measures) read_table(file, population.prefix(false), population.targets);
  population.validate(path.string(), equal_masses);
  return population;
}

void write_cloud_population(const std::filesystem::path& path, const CloudPopulation& population) {
  distributed::StagedPath staged(path, distributed::FileMark::hdf5(population_kind));
  auto file = Hdf5File::create(staged.temporary());
  mark_population(file);
  file.create_group("/geometry");
  file.set_attribute("/geometry", "kind", std::string("clouds"));
  write_ground_cost(file, population.ground_cost);
  write_table(file, population.prefix(true), population.sources, population.dimension);
  if (!population.shared_measures)
    write_table(file, population.prefix(false), population.targets, population.dimension);
  write_problems(file, population.source, population.target);
  file.close();
  staged.commit();
}

}  // namespace otfleet

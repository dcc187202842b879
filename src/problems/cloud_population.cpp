#include "src/problems/cloud_population.hpp"

#include <spdlog/fmt/fmt.h>

#include <bit>
#include <cmath>
#include <limits>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/problems/checked_hdf5.hpp"
#include "src/problems/fingerprint.hpp"
#include "src/problems/ground_cost.hpp"
#include "src/problems/population_parts.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using Shape = std::vector<std::int64_t>;

void check_offsets(const std::string& name, const CloudTable& table) {
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
  if (offsets.back() != static_cast<std::int64_t>(table.weights.size()))
    throw UserError(fmt::format("{} ends with {}, but there are {} weights", name, offsets.back(),
                                table.weights.size()));
  if (table.count() == 0) throw UserError(name + " holds no measures");
}

/// Checks one side's measures, whose datasets begin with `prefix`; returns their masses.
std::vector<double> check_table(const std::string& prefix, const CloudTable& table,
                                std::int64_t dimension) {
  check_offsets(prefix + "offsets", table);
  const auto total = static_cast<std::int64_t>(table.weights.size());
  if (dimension < 1 || static_cast<std::int64_t>(table.points.size()) != total * dimension)
    throw UserError(fmt::format("{}points holds {} values, not {} points of {} coordinates", prefix,
                                table.points.size(), total, dimension));
  std::vector<double> masses;
  for (std::int64_t s = 0; s < table.count(); ++s) {
    for (std::int64_t i = table.offsets[s] * dimension; i < table.offsets[s + 1] * dimension; ++i)
      if (!std::isfinite(table.points[i]))
        throw UserError(fmt::format("{}points measure {} has the coordinate {} (at point {})",
                                    prefix, s, table.points[i], i / dimension - table.offsets[s]));
    masses.push_back(
        check_measure(prefix + "weights", "measure", s,
                      std::span(table.weights)
                          .subspan(table.offsets[s], static_cast<std::size_t>(table.size(s)))));
  }
  return masses;
}

CloudTable read_table(const Hdf5File& file, const std::string& prefix, std::int64_t& dimension) {
  CloudTable table;
  Shape shape;
  table.offsets = read_integers(file, prefix + "offsets");
  table.weights = read_numbers(file, prefix + "weights", 1, shape);
  const auto total = shape[0];
  table.points = read_numbers(file, prefix + "points", 2, shape);
  if (shape[0] != total)
    throw UserError(fmt::format("{}: {}points has shape {}, but there are {} weights",
                                file.path().string(), prefix, shape_text(shape), total));
  if (dimension > 0 && shape[1] != dimension)
    throw UserError(fmt::format("{}: source points have {} coordinates, target points {}",
                                file.path().string(), dimension, shape[1]));
  dimension = shape[1];
  return table;
}

void write_table(Hdf5File& file, const std::string& prefix, const CloudTable& table,
                 std::int64_t dimension) {
  const auto total = static_cast<std::int64_t>(table.weights.size());
  file.write<std::int64_t>(prefix + "offsets", {table.count() + 1}, table.offsets);
  file.write<double>(prefix + "weights", {total}, table.weights);
  file.write<double>(prefix + "points", {total, dimension}, table.points);
}

}  // namespace

std::string CloudPopulation::fingerprint() const {
  Fnv hash;
  hash.add(4);  // after the kinds of Geometry
  hash.add(static_cast<std::uint64_t>(dimension));
  hash.add(static_cast<std::uint64_t>(ground_cost_kind("cost", cost_name)));
  if (cost_name == "power") hash.add(std::bit_cast<std::uint64_t>(power));
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

void CloudPopulation::validate(const std::string& name, bool equal_masses) const {
  ground_cost_kind(name + ": /geometry, attribute cost", cost_name);
  if (!(power > 0) || !std::isfinite(power))
    throw UserError(fmt::format("{}: /geometry, attribute power must be > 0, not {}", name, power));
  const auto source_masses = check_table(
      name + (shared_measures ? ": /measures/" : ": /measures/source_"), sources, dimension);
  const auto own_target_masses =
      shared_measures ? std::vector<double>{}
                      : check_table(name + ": /measures/target_", targets, dimension);
  check_problems(name, source, target, source_masses,
                 shared_measures ? source_masses : own_target_masses, equal_masses);
}

bool holds_clouds(const Hdf5File& file) {
  if (!file.has("/geometry") || !file.has("/measures")) return false;
  if (const auto kind = file.string_attribute("/geometry", "kind")) return *kind == "clouds";
  return file.has("/measures/offsets") || file.has("/measures/source_offsets");
}

bool holds_clouds(const std::filesystem::path& path) {
  return holds_clouds(Hdf5File::open(path));
}

CloudPopulation read_cloud_population(const std::filesystem::path& path, bool equal_masses) {
  const auto file = Hdf5File::open(path);
  check_population_groups(file);
  CloudPopulation population;
  population.cost_name = file.string_attribute("/geometry", "cost").value_or(population.cost_name);
  population.power = file.number_attribute("/geometry", "power").value_or(1);
  population.shared_measures = !file.has("/measures/source_offsets");
  if (population.shared_measures) {
    population.sources = read_table(file, "/measures/", population.dimension);
  } else {
    if (file.has("/measures/offsets"))
      throw UserError(path.string() +
                      ": /measures holds both offsets and offsets of one side; either is enough");
    population.sources = read_table(file, "/measures/source_", population.dimension);
    population.targets = read_table(file, "/measures/target_", population.dimension);
  }
  population.source = read_indices(file, "/problems/source");
  population.target = read_indices(file, "/problems/target");
  population.validate(path.string(), equal_masses);
  return population;
}

void write_cloud_population(const std::filesystem::path& path, const CloudPopulation& population) {
  distributed::StagedPath staged(path);
  auto file = Hdf5File::create(staged.temporary());
  mark_population(file);
  file.create_group("/geometry");
  file.set_attribute("/geometry", "kind", std::string("clouds"));
  file.set_attribute("/geometry", "cost", population.cost_name);
  if (population.cost_name == "power") file.set_attribute("/geometry", "power", population.power);
  if (population.shared_measures) {
    write_table(file, "/measures/", population.sources, population.dimension);
  } else {
    write_table(file, "/measures/source_", population.sources, population.dimension);
    write_table(file, "/measures/target_", population.targets, population.dimension);
  }
  write_problems(file, population.source, population.target);
  file.close();
  staged.commit();
}

}  // namespace otfleet

#include "src/populations/cloud_population.hpp"

#include <spdlog/fmt/fmt.h>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/file_kinds.hpp"
#include "src/data/fingerprint.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population_names.hpp"
#include "src/populations/population_parts.hpp"
#include "src/populations/sequences.hpp"

namespace otfleet {

using distributed::Hdf5File;

std::string CloudPopulation::prefix(bool source) const {
  return shared_measures ? "/measures/" : source ? "/measures/source_" : "/measures/target_";
}

std::vector<std::int64_t> CloudPopulation::source_point_offsets() const {
  std::vector<std::int64_t> offsets = {0};
  for (std::int64_t k = 0; k < problems(); ++k)
    offsets.push_back(offsets.back() + source_points(k));
  return offsets;
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
  sources.add_to(hash);
  targets.add_to(hash);
  hash.add(source);
  hash.add(target);
  if (!sequence.empty()) hash.add(sequence);
  if (contexts.width > 0) hash.add(contexts.values);
  if (!images.empty()) hash.add(images);
  return hash.digits();
}

void CloudPopulation::normalize() {
  sources.normalize();
  targets.normalize();
}

void CloudPopulation::validate(const std::string& name, bool equal_masses) const {
  check_ground_cost(name, ground_cost);
  const auto source_masses =
      check_cloud_table(name + ": " + prefix(true), sources, dimension, ground_cost);
  const auto own_target_masses =
      shared_measures
          ? std::vector<double>{}
          : check_cloud_table(name + ": " + prefix(false), targets, dimension, ground_cost);
  check_problems(name, source, target, source_masses,
                 shared_measures ? source_masses : own_target_masses, equal_masses, false);
  check_sequence(name, sequence, problems());
  check_contexts(name, contexts, problems());
  check_images(name, images, source_point_offsets().back(), dimension);
}

bool holds_clouds(const Hdf5File& file) {
  return find_geometry_kind(file) == GeometryKind::clouds;
}

bool holds_clouds(const std::filesystem::path& path) {
  return holds_clouds(Hdf5File::open(path));
}

CloudPopulation read_cloud_outline(const Hdf5File& file) {
  check_population_groups(file);
  check_known_names(file, {"source", "target", "sequence", "context", "image"});
  CloudPopulation population;
  if (const auto cost = file.string_attribute("/geometry", "cost"))
    population.ground_cost = read_ground_cost(file, *cost);
  check_ground_cost(file.path().string(), population.ground_cost);
  population.shared_measures = !file.has("/measures/source_offsets");
  if (!population.shared_measures && file.has("/measures/offsets"))
    throw UserError(file.path().string() +
                    ": /measures holds both offsets and offsets of one side; either is enough");
  population.sources =
      read_cloud_table_outline(file, population.prefix(true), population.dimension);
  if (!population.shared_measures)
    population.targets =
        read_cloud_table_outline(file, population.prefix(false), population.dimension);
  population.source = read_indices(file, "/problems/source");
  population.target = read_indices(file, "/problems/target");
  population.sequence = read_sequence(file);
  population.contexts = read_contexts(file);
  check_used_names(file);
  return population;
}

CloudPopulation read_cloud_population(const std::filesystem::path& path, bool equal_masses) {
  const auto file = Hdf5File::open(path);
  CloudPopulation population = read_cloud_outline(file);
  read_cloud_table(file, population.prefix(true), population.sources);
  if (!population.shared_measures)
    read_cloud_table(file, population.prefix(false), population.targets);
  population.images = read_images(file, population.dimension);
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
  write_cloud_table(file, population.prefix(true), population.sources, population.dimension);
  if (!population.shared_measures)
    write_cloud_table(file, population.prefix(false), population.targets, population.dimension);
  write_problems(file, population.source, population.target);
  write_sequence(file, population.sequence);
  write_contexts(file, population.contexts);
  write_images(file, population.images, population.dimension);
  file.set_attribute("/", content_attribute, population.content_fingerprint());
  file.close();
  staged.commit();
}

}  // namespace otfleet

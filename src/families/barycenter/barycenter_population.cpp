#include "src/families/barycenter/barycenter_population.hpp"

#include <spdlog/fmt/fmt.h>

#include <span>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/job_population.hpp"
#include "src/populations/population_names.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

const std::string measure_weights_name = "/measures/weights";

/// How many points the barycenters have.
std::int64_t source_points(const Hdf5File& file, std::int64_t target_points) {
  switch (geometry_kind(file)) {
    case GeometryKind::dense:
      return numbers_shape(file, "/geometry/cost", 2)[0];
    case GeometryKind::points:
      return file.has("/geometry/source_points")
                 ? numbers_shape(file, "/geometry/source_points", 2)[0]
                 : target_points;
    case GeometryKind::grid:
    case GeometryKind::clouds:
      break;
  }
  return target_points;
}

}  // namespace

std::string BarycenterPopulation::content_fingerprint() const {
  Fnv hash;
  hash.add(geometry.fingerprint());
  hash.add(weights);
  sets.add_to(hash);
  return hash.digits();
}

void BarycenterPopulation::normalize() {
  for (std::int64_t s = 0; s < measures; ++s)
    scale_to_mass_one(std::span(weights).subspan(static_cast<std::size_t>(s * geometry.m),
                                                 static_cast<std::size_t>(geometry.m)));
}

void BarycenterPopulation::validate(const std::string& name, bool equal_masses) const {
  if (measures < 1)
    throw UserError(fmt::format("{}: {} holds no measures", name, measure_weights_name));
  geometry.validate(name);
  const auto masses =
      check_weights(name + ": " + measure_weights_name, weights, measures, geometry.m);
  sets.validate(name, masses, equal_masses, true);
}

BarycenterPopulation read_barycenter_population(const std::filesystem::path& path,
                                                bool equal_masses) {
  const auto file = Hdf5File::open(path);
  check_population_groups(file, word_of(ProblemKind::barycenter));
  check_known_names(file, measure_set_names());
  if (geometry_kind(file) == GeometryKind::clouds)
    throw UserError(path.string() +
                    ": every measure has points of its own, but a barycenter with fixed support "
                    "needs points that all measures share: list them under /geometry, or set "
                    "barycenter.support = 'free'");
  if (file.has("/barycenter"))
    throw UserError(path.string() +
                    ": /barycenter says nothing where barycenter.support = 'fixed': the points of "
                    "barycenters are the geometry's source points");
  if (!file.has(measure_weights_name))
    throw UserError(fmt::format("{}: there is no {} [M, m], the measures of all problems",
                                path.string(), measure_weights_name));
  BarycenterPopulation population;
  std::vector<std::int64_t> shape;
  population.weights = read_numbers(file, measure_weights_name, 2, shape);
  population.measures = shape[0];
  population.geometry.m = shape[1];
  population.geometry.n = source_points(file, shape[1]);
  read_geometry(file, population.geometry);
  population.sets = read_measure_sets(file);
  check_used_names(file);
  population.validate(path.string(), equal_masses);
  return population;
}

BarycenterPopulation read_job_barycenters(const Job& job, const std::filesystem::path& file) {
  const bool normalize = job.solver.normalize;
  auto population = read_barycenter_population(file, job.problem.balanced() && !normalize);
  require_job_agrees(job, population.geometry, file);
  if (normalize) population.normalize();
  return population;
}

void write_barycenter_population(const std::filesystem::path& path,
                                 const BarycenterPopulation& population) {
  distributed::StagedPath staged(path, distributed::FileMark::hdf5(population_kind));
  auto file = Hdf5File::create(staged.temporary());
  mark_population(file, word_of(ProblemKind::barycenter));
  write_geometry(file, population.geometry);
  file.write<double>(measure_weights_name, {population.measures, population.geometry.m},
                     population.weights);
  write_measure_sets(file, population.sets);
  file.close();
  staged.commit();
}

Geometry with_stored_costs(const Geometry& geometry, const std::string& name) {
  if (geometry.kind != Geometry::Kind::points) return geometry;
  const std::int64_t n = geometry.n, m = geometry.m, d = geometry.dimension;
  if (n > most_stored_costs / m)
    throw UserError(fmt::format(
        "{}: a barycenter on {} points of measures on {} needs {:.3g} "
        "costs; up to {} are stored; use fewer points, or a grid",
        name, n, m, static_cast<double>(n) * static_cast<double>(m), most_stored_costs));
  Geometry stored = geometry;
  stored.kind = Geometry::Kind::dense;
  stored.cost.resize(static_cast<std::size_t>(n * m));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      stored.cost[i * m + j] = ground_cost(*geometry.ground_cost, &geometry.source_points[i * d],
                                           &geometry.target_points[j * d], d);
  return stored;
}

}  // namespace otfleet

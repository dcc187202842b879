#include "src/families/barycenter/free_support_population.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/config/nearest_name.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/job_population.hpp"
#include "src/populations/population_names.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

const std::string measures_prefix = "/measures/";
const std::string group = "/barycenter", points_name = "/barycenter/points",
                  support_weights_name = "/barycenter/weights";
const kernels::GroundCost the_cost = kernels::SquaredEuclideanCost{};

void check_cost(const Hdf5File& file) {
  const auto cost = file.string_attribute("/geometry", "cost").value_or("");
  if (cost != name_of(the_cost))
    throw UserError(fmt::format(
        "{}: /geometry, attribute cost = '{}': with barycenter.support = 'free' it must be '{}': "
        "points move to means, which minimize sums of no other cost",
        file.path().string(), cost, name_of(the_cost)));
}

void check_shape(const Hdf5File& file, const std::string& name,
                 const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& expected,
                 const char* meaning) {
  if (shape == expected && expected[1] > 0) return;
  throw UserError(fmt::format("{}: {} has shape {}, expected {}", file.path().string(), name,
                              shape_text(shape), meaning));
}

void read_support(const Hdf5File& file, FreeSupportPopulation& population) {
  if (!file.has(group)) return;
  static const std::vector<std::string> known = {"points", "weights"};
  for (const auto& name : file.children(group))
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto near = nearest_name(name, known);
      throw UserError(fmt::format("{}: {}: unknown dataset '{}'; {}", file.path().string(), group,
                                  name,
                                  near.empty() ? "known are 'points', 'weights'"
                                               : fmt::format("did you mean '{}'?", near)));
    }
  const std::int64_t problems = population.sets.problems();
  std::vector<std::int64_t> shape;
  if (file.has(points_name)) {
    population.start = read_numbers(file, points_name, 3, shape);
    check_shape(file, points_name, shape, {problems, shape[1], population.dimension},
                fmt::format("[{} problems, points, {} coordinates]", problems, population.dimension)
                    .c_str());
    population.points = shape[1];
  }
  if (!file.has(support_weights_name)) return;
  population.support_weights = read_numbers(file, support_weights_name, 2, shape);
  const std::int64_t points = population.points > 0 ? population.points : shape[1];
  check_shape(file, support_weights_name, shape, {problems, points},
              population.points > 0
                  ? fmt::format("[{} problems, {} points]", problems, points).c_str()
                  : fmt::format("[{} problems, points]", problems).c_str());
  population.points = points;
}

}  // namespace

std::string FreeSupportPopulation::content_fingerprint() const {
  Fnv hash;
  measures.add_to(hash);
  sets.add_to(hash);
  hash.add(static_cast<std::uint64_t>(dimension));
  hash.add(static_cast<std::uint64_t>(points));
  hash.add(start);
  hash.add(support_weights);
  return hash.digits();
}

void FreeSupportPopulation::validate(const std::string& name, bool equal_masses) const {
  const auto masses =
      check_cloud_table(name + ": " + measures_prefix, measures, dimension, the_cost);
  sets.validate(name, masses, equal_masses, false);
  for (std::size_t at = 0; at < start.size(); ++at)
    if (!std::isfinite(start[at]))
      throw UserError(fmt::format("{}: {} problem {} has the coordinate {} (at point {})", name,
                                  points_name, static_cast<std::int64_t>(at) / (points * dimension),
                                  start[at], static_cast<std::int64_t>(at) / dimension % points));
  if (!support_weights.empty())
    check_weights(name + ": " + support_weights_name, support_weights, sets.problems(), points);
}

bool holds_free_supports(const std::filesystem::path& path) {
  const auto file = Hdf5File::open(path);
  return holds_clouds(file);
}

FreeSupportPopulation read_free_supports(const std::filesystem::path& path, bool equal_masses) {
  const auto file = Hdf5File::open(path);
  check_population_groups(file, word_of(ProblemKind::barycenter));
  check_known_names(file, measure_set_names());
  if (!holds_clouds(file))
    throw UserError(path.string() +
                    ": all measures share their points, but barycenter.support = 'free' needs "
                    "measures with points of their own: /measures/points and /measures/offsets");
  check_used_names(file);
  check_cost(file);
  if (!file.has(measures_prefix + "offsets"))
    throw UserError(path.string() +
                    ": there is no /measures/offsets [M + 1], which says where the "
                    "points of every measure begin");
  FreeSupportPopulation population;
  population.measures = read_cloud_table_outline(file, measures_prefix, population.dimension);
  read_cloud_table(file, measures_prefix, population.measures);
  population.sets = read_measure_sets(file);
  read_support(file, population);
  population.validate(path.string(), equal_masses);
  return population;
}

FreeSupportPopulation read_job_free_supports(const Job& job, const std::filesystem::path& file) {
  const bool normalize = job.solver.normalize;
  auto population = read_free_supports(file, !normalize);
  CloudPopulation outline;
  outline.ground_cost = the_cost;
  require_job_agrees(job, outline, file);
  const std::int64_t asked = job.barycenter.points;
  if (population.points > 0 && job.sets("barycenter.points") && asked != population.points)
    throw UserError(fmt::format(
        "barycenter.points = {} says otherwise than {}, whose barycenters have {}; the population "
        "decides: leave the key out, or give it that value",
        asked, file.string(), population.points));
  if (population.points == 0) population.points = asked;
  if (normalize) population.measures.normalize();
  return population;
}

void write_free_supports(const std::filesystem::path& path,
                         const FreeSupportPopulation& population) {
  distributed::StagedPath staged(path, distributed::FileMark::hdf5(population_kind));
  auto file = Hdf5File::create(staged.temporary());
  mark_population(file, word_of(ProblemKind::barycenter));
  file.create_group("/geometry");
  file.set_attribute("/geometry", "kind", std::string("clouds"));
  write_ground_cost(file, the_cost);
  write_cloud_table(file, measures_prefix, population.measures, population.dimension);
  write_measure_sets(file, population.sets);
  const std::int64_t problems = population.sets.problems();
  if (!population.start.empty())
    file.write<double>(points_name, {problems, population.points, population.dimension},
                       population.start);
  if (!population.support_weights.empty())
    file.write<double>(support_weights_name, {problems, population.points},
                       population.support_weights);
  file.close();
  staged.commit();
}

double free_support_cost_statistic(FreeSupportPopulation population, CostStatistic statistic) {
  CloudPopulation pairs;
  pairs.ground_cost = the_cost;
  pairs.dimension = population.dimension;
  pairs.sources = std::move(population.measures);
  const auto& sets = population.sets;
  for (std::int64_t k = 0; k < sets.problems(); ++k)
    for (std::int64_t s = 0; s < sets.size(k); ++s) {
      const auto first = static_cast<std::size_t>(sets.offsets[static_cast<std::size_t>(k)]);
      pairs.source.push_back(sets.measures[first + static_cast<std::size_t>(s)]);
      pairs.target.push_back(
          sets.measures[first + static_cast<std::size_t>((s + 1) % sets.size(k))]);
    }
  return cloud_cost_statistic(pairs, statistic);
}

}  // namespace otfleet

#include "src/populations/job_population.hpp"

#include <spdlog/fmt/fmt.h>

#include <string>

namespace otfleet {
namespace {

GeometryKind kind_of(const Geometry& geometry) {
  switch (geometry.kind) {
    case Geometry::Kind::grid:
      return GeometryKind::grid;
    case Geometry::Kind::dense:
      return GeometryKind::dense;
    case Geometry::Kind::points:
      break;
  }
  return GeometryKind::points;
}

void require_job_agrees(const Job& job, GeometryKind kind, const std::string& cost, double power,
                        double divisor, const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& key, const std::string& asked,
                          const std::string& found) {
    throw UserError(
        fmt::format("{} = {} says otherwise than {}, which has {}; the population "
                    "decides: leave the key out, or give it that value",
                    key, asked, file.string(), found));
  };
  const auto& problem = job.problem;
  if (job.sets("problem.geometry") && problem.geometry != kind)
    refuse("problem.geometry", "'" + word_of(problem.geometry) + "'", "'" + word_of(kind) + "'");
  if (job.sets("problem.cost") && problem.cost != cost)
    refuse("problem.cost", "'" + problem.cost + "'", "'" + cost + "'");
  const auto require = [&](const std::string& key, const std::string& of_cost, const char* noun,
                           double asked, double found) {
    if (!job.sets(key)) return;
    const std::string text = fmt::format("{:g}", asked);
    if (cost != of_cost) refuse(key, text, fmt::format("cost '{}' without a {}", cost, noun));
    if (asked != found) refuse(key, text, fmt::format("{} {:g}", noun, found));
  };
  require("problem.power", "power", "power", problem.power, power);
  require("problem.great_circle_divisor", "great_circle", "divisor", problem.great_circle_divisor,
          divisor);
}

}  // namespace

void require_job_agrees(const Job& job, const CloudPopulation& population,
                        const std::filesystem::path& file) {
  require_job_agrees(job, GeometryKind::clouds, population.cost_name, population.power,
                     population.great_circle_divisor, file);
}

Population read_job_population(const Job& job, const std::filesystem::path& file) {
  const bool normalize = job.solver.normalize;
  Population population = read_population(file, job.problem.balanced() && !normalize);
  const auto& geometry = population.geometry;
  require_job_agrees(job, kind_of(geometry), geometry.cost_name, geometry.power,
                     geometry.great_circle_divisor, file);
  if (normalize) population.normalize();
  return population;
}

CloudPopulation read_job_clouds(const Job& job, const std::filesystem::path& file) {
  const bool normalize = job.solver.normalize;
  CloudPopulation population = read_cloud_population(file, !normalize);
  require_job_agrees(job, population, file);
  if (normalize) population.normalize();
  return population;
}

}  // namespace otfleet

#include "src/populations/job_population.hpp"

#include <spdlog/fmt/fmt.h>

#include <string>

#include "src/populations/population_view.hpp"

namespace otfleet {
namespace {

void require_job_agrees(const Job& job, GeometryKind kind, const std::string& cost,
                        const std::optional<kernels::GroundCost>& ground_cost,
                        const std::filesystem::path& file) {
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
  if (job.sets("problem.cost") && cost_word(problem.cost) != cost)
    refuse("problem.cost", "'" + cost_word(problem.cost) + "'", "'" + cost + "'");
  const auto set_by_job = [&](const kernels::GroundCost& of_cost, const auto& refuse_set) {
    for_each_parameter(of_cost, [&](const kernels::ParameterFacts& facts, double value) {
      const std::string key = std::string("problem.") + facts.name;
      if (job.sets(key)) refuse_set(key, problem.cost_parameters.at(facts.name), facts.noun, value);
    });
  };
  for (const auto& other : kernels::all_ground_costs())
    if (cost != name_of(other))
      set_by_job(other, [&](const std::string& key, double asked, const char* noun, double) {
        refuse(key, fmt::format("{:g}", asked), fmt::format("cost '{}' without a {}", cost, noun));
      });
  if (ground_cost)
    set_by_job(*ground_cost,
               [&](const std::string& key, double asked, const char* noun, double found) {
                 if (asked != found)
                   refuse(key, fmt::format("{:g}", asked), fmt::format("{} {:g}", noun, found));
               });
}

}  // namespace

void require_job_agrees(const Job& job, const Geometry& geometry,
                        const std::filesystem::path& file) {
  const GeometryFacts facts = facts_of(geometry);
  require_job_agrees(job, facts.kind, facts.cost_name(), facts.ground_cost, file);
}

void require_job_agrees(const Job& job, const CloudPopulation& population,
                        const std::filesystem::path& file) {
  require_job_agrees(job, GeometryKind::clouds, population.cost_name(), population.ground_cost,
                     file);
}

Population read_job_population(const Job& job, const std::filesystem::path& file) {
  const bool normalize = job.solver.normalize;
  Population population = read_population(file, job.problem.balanced() && !normalize);
  require_job_agrees(job, population.geometry, file);
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

void require_clouds(const Job& job, const std::filesystem::path& file) {
  if (holds_clouds(file)) return;
  throw UserError(
      fmt::format("{}: all measures share their points; problem = '{}' needs points of "
                  "every measure's own: problem.geometry = 'clouds'",
                  file.string(), word_of(job.problem.kind)));
}

AnyPopulation read_any_job_population(const Job& job, const std::filesystem::path& file) {
  if (holds_clouds(file)) return read_job_clouds(job, file);
  return read_job_population(job, file);
}

}  // namespace otfleet

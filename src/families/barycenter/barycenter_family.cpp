#include "src/families/barycenter/barycenter_family.hpp"

#include <spdlog/fmt/fmt.h>

#include "src/families/barycenter/barycenter_population.hpp"
#include "src/families/barycenter/free_support_population.hpp"
#include "src/populations/cost_statistic.hpp"
#include "src/reports/sizes_text.hpp"

namespace otfleet {
namespace {

bool is_free(const Job& job) {
  return job.barycenter.support == BarycenterSupport::free;
}

void describe_sets(const MeasureSets& sets, std::ostream& to) {
  to << fmt::format("problems: {}, barycenters; measures of a problem: {}; weights: {}\n",
                    sets.problems(), sizes_text(sets.offsets),
                    sets.weights.empty() ? "equal" : "of each measure");
}

void describe(const FreeSupportPopulation& population, std::ostream& to) {
  to << fmt::format("geometry: clouds, cost squared_euclidean, {} coordinates\n",
                    population.dimension)
     << fmt::format("measures: {}, points of a measure: {}\n", population.measures.count(),
                    sizes_text(population.measures.offsets));
  describe_sets(population.sets, to);
  if (population.points > 0)
    to << fmt::format("points of a barycenter: {}, {}; weights: {}\n", population.points,
                      population.start.empty() ? "drawn" : "given to begin with",
                      population.support_weights.empty() ? "equal" : "of each point");
}

std::unique_ptr<ProblemSet> open(const CommandContext& context, Report& report) {
  return is_free(context.job) ? open_free_supports(context, report)
                              : open_barycenters(context, report);
}

double statistic_of(const std::filesystem::path& file, const Job& job) {
  if (is_free(job))
    return free_support_cost_statistic(read_job_free_supports(job, file),
                                       job.problem.epsilon_relative);
  return cost_statistic(read_job_barycenters(job, file).geometry, job.problem.epsilon_relative);
}

}  // namespace

void describe_barycenters(const std::filesystem::path& file, std::ostream& to) {
  if (holds_free_supports(file)) return describe(read_free_supports(file, false), to);
  const auto population = read_barycenter_population(file, false);
  to << population.geometry.description() << "measures: " << population.measures << '\n';
  describe_sets(population.sets, to);
}

Family barycenter_family() {
  return {ProblemKind::barycenter, make_barycenters, open, nullptr, nullptr,
          describe_barycenters,    statistic_of};
}

}  // namespace otfleet

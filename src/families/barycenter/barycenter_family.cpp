#include "src/families/barycenter/barycenter_family.hpp"

#include <spdlog/fmt/fmt.h>

#include "src/families/barycenter/barycenter_population.hpp"
#include "src/populations/cost_statistic.hpp"
#include "src/reports/sizes_text.hpp"

namespace otfleet {
namespace {

double statistic_of(const std::filesystem::path& file, const Job& job) {
  return cost_statistic(read_job_barycenters(job, file).geometry, job.problem.epsilon_relative);
}

}  // namespace

void describe_barycenters(const std::filesystem::path& file, std::ostream& to) {
  const auto population = read_barycenter_population(file, false);
  to << population.geometry.description() << "measures: " << population.measures << '\n'
     << fmt::format("problems: {}, barycenters; measures of a problem: {}; weights: {}\n",
                    population.sets.problems(), sizes_text(population.sets.offsets),
                    population.sets.weights.empty() ? "equal" : "of each measure");
}

Family barycenter_family() {
  return {ProblemKind::barycenter, make_barycenters, open_barycenters, nullptr, nullptr,
          describe_barycenters,    statistic_of};
}

}  // namespace otfleet

#include "src/families/gromov_wasserstein/gromov_wasserstein_family.hpp"

#include <algorithm>

#include "src/families/linear/linear_family.hpp"
#include "src/populations/cost_statistic.hpp"
#include "src/populations/job_population.hpp"

namespace otfleet {
namespace {

double statistic_of(const std::filesystem::path& file, const Job& job) {
  const auto population = read_job_clouds(job, file);
  return distortion_statistic(population,
                              std::min(job.gromov_wasserstein.features, population.dimension - 1),
                              job.problem.epsilon_relative);
}

}  // namespace

Family gromov_wasserstein_family() {
  return {ProblemKind::gromov_wasserstein,
          make_populations,
          open_gromov_wasserstein,
          nullptr,
          nullptr,
          nullptr,
          statistic_of};
}

}  // namespace otfleet

#include "src/families/linear/linear_family.hpp"

#include "src/families/linear/linear_problems.hpp"
#include "src/populations/cost_statistic.hpp"
#include "src/populations/job_population.hpp"

namespace otfleet {
namespace {

double statistic_of(const std::filesystem::path& file, const Job& job) {
  const auto statistic = job.problem.epsilon_relative;
  if (holds_clouds(file)) return cloud_cost_statistic(file, statistic);
  return cost_statistic(read_job_population(job, file).geometry, statistic);
}

}  // namespace

Family linear_family() {
  return {ProblemKind::linear, make_populations,    open_linear_problems, train_start_model,
          evaluate_starts,     describe_population, statistic_of};
}

}  // namespace otfleet

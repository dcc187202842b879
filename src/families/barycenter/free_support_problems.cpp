#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "src/families/barycenter/barycenter_family.hpp"
#include "src/families/barycenter/barycenter_problem_set.hpp"
#include "src/families/barycenter/free_support_population.hpp"
#include "src/families/barycenter/free_support_schema.hpp"
#include "src/families/barycenter/free_support_solver.hpp"
#include "src/memory/available_memory.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t first_problems_of_block = 16;  // many transports are solved side by side

/// Points of a problem's measures, each as often as the problem has it.
std::int64_t points_of_measures(const FreeSupportPopulation& population, std::int64_t problem) {
  const auto& sets = population.sets;
  std::int64_t sum = 0;
  for (std::int64_t at = sets.offsets[problem]; at < sets.offsets[problem + 1]; ++at)
    sum += population.measures.size(sets.measures[at]);
  return sum;
}

/// Bytes that solving one problem takes, as much as any of the population does.
double most_bytes(const FreeSupportPopulation& population) {
  const auto n = static_cast<double>(population.points),
             d = static_cast<double>(population.dimension);
  double most = 0;
  for (std::int64_t k = 0; k < population.sets.problems(); ++k) {
    const auto measures = static_cast<double>(population.sets.size(k));
    // Points as they are, gathered, moved and waiting to be written; projections and potentials on
    // the barycenter's side, and potentials on the measures', twice.
    most = std::max(most, 4 * n * d + measures * n * (d + 2) +
                              2 * static_cast<double>(points_of_measures(population, k)));
  }
  return sizeof(double) * most;
}

class FreeSupportProblems final
    : public BarycenterProblemSet<FreeSupportPopulation, FreeSupportSolver, FreeSupportSchema> {
 public:
  FreeSupportProblems(const CommandContext& context, Report& report)
      : BarycenterProblemSet(context, report, [&](const auto& path, int processes) {
          auto population = read_job_free_supports(context.job, path);
          const double of_one = most_bytes(population);
          require_memory(path.string(), {{"a problem on its way", of_one}}, processes,
                         "fewer points (barycenter.points), fewer measures in a problem or fewer "
                         "ranks on a machine are needed");
          return Input{std::move(population), of_one};
        }) {
    first_problems = std::min(first_problems_of_block, most_problems);
    method = "alternating plans and points";
    reason = "the support is free";
  }

  double work(distributed::Shard rows) const override {
    double points = 0;
    for (std::int64_t k = rows.begin; k < rows.end; ++k)
      points += static_cast<double>(points_of_measures(population_, k));
    return points;
  }
  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    figures["max_relative_gap"] = tally.max_gap;
    figures["measures"] = population_.measures.count();
    figures["largest_problem"] = population_.sets.largest();
    figures["points"] = population_.points;
  }
  std::string complaint(const StatusCounts& statuses) const override {
    return free_support_complaint(statuses, job_);
  }
};

}  // namespace

std::unique_ptr<ProblemSet> open_free_supports(const CommandContext& context, Report& report) {
  return std::make_unique<FreeSupportProblems>(context, report);
}

}  // namespace otfleet

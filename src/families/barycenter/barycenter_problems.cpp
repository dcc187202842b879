#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "src/families/barycenter/barycenter_family.hpp"
#include "src/families/barycenter/barycenter_population.hpp"
#include "src/families/barycenter/barycenter_problem_set.hpp"
#include "src/families/barycenter/barycenter_solver.hpp"
#include "src/memory/available_memory.hpp"

namespace otfleet {
namespace {

/// Bytes of one problem's solution, as large as the population has any.
double most_bytes(const BarycenterPopulation& population, const Job& job) {
  constexpr double copies = 2;  // on the device, and as they wait to be written
  const auto n = static_cast<double>(population.geometry.n);
  const auto measures = static_cast<double>(population.sets.largest());
  return sizeof(double) * n * (copies + 1 + measures * (job.solution.potentials ? copies : 1));
}

/// What solving takes beside what was read already; `of_one`: most_bytes(). Throws UserError where
/// there is not as much.
void require_memory_for(const BarycenterPopulation& population, const std::string& name,
                        double of_one, int processes) {
  const auto n = static_cast<double>(population.geometry.n),
             m = static_cast<double>(population.geometry.m);
  const auto measures = static_cast<double>(population.sets.largest());
  std::vector<MemoryPart> parts;
  const bool points = population.geometry.kind == Geometry::Kind::points;
  if (points)
    parts.push_back(
        {fmt::format("3 copies of the {} x {} costs", n, m), 3 * sizeof(double) * n * m});
  // Six arrays of two numbers a point each, see BarycenterKernel.
  parts.push_back({fmt::format("the iteration of {} measures", measures),
                   6 * 2 * sizeof(double) * measures * std::max(n, m)});
  parts.push_back({"the barycenters of a block",
                   std::min(static_cast<double>(population.sets.problems()) * of_one,
                            std::max(of_one, most_block_bytes))});
  require_memory(name, parts, processes,
                 points ? "fewer points, or a grid, which stores no costs, are needed"
                        : "fewer measures in a problem, fewer points or fewer ranks on a machine "
                          "are needed");
}

class BarycenterProblems final
    : public BarycenterProblemSet<BarycenterPopulation, BarycenterSolver, BarycenterSchema> {
 public:
  BarycenterProblems(const CommandContext& context, Report& report)
      : BarycenterProblemSet(context, report, [&](const auto& path, int processes) {
          auto population = read_job_barycenters(context.job, path);
          const double of_one = most_bytes(population, context.job);
          require_memory_for(population, path.string(), of_one, processes);
          return Input{std::move(population), of_one};
        }) {
    method = "Bregman projections";
    reason = job_.barycenter.debiased   ? "the barycenters are debiased"
             : !job_.problem.balanced() ? "marginals are penalties"
                                        : "the support is fixed";
  }

  double work(distributed::Shard rows) const override {
    const auto& offsets = population_.sets.offsets;
    return static_cast<double>(offsets[rows.end] - offsets[rows.begin]);
  }
  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    figures["measures"] = population_.measures;
    figures["largest_problem"] = population_.sets.largest();
  }
  std::string complaint(const StatusCounts& statuses) const override {
    return convergence_complaint(statuses, job_);
  }
};

}  // namespace

std::unique_ptr<ProblemSet> open_barycenters(const CommandContext& context, Report& report) {
  return std::make_unique<BarycenterProblems>(context, report);
}

}  // namespace otfleet

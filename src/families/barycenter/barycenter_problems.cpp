#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "src/families/barycenter/barycenter_family.hpp"
#include "src/families/barycenter/barycenter_population.hpp"
#include "src/families/barycenter/barycenter_schema.hpp"
#include "src/families/barycenter/barycenter_solver.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/memory/available_memory.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/problem_set.hpp"
#include "src/runs/solve_memory.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

constexpr std::int64_t most_problems_of_block = 4096;

/// Bytes of one problem's solution, as large as the population has any.
double most_bytes(const BarycenterPopulation& population, const Job& job) {
  constexpr double copies = 2;  // on the device, and as they wait to be written
  const auto n = static_cast<double>(population.geometry.n);
  const auto measures = static_cast<double>(population.sets.largest());
  return sizeof(double) * n * (copies + 1 + measures * (job.solution.potentials ? copies : 1));
}

/// What solving takes beside what was read already. Throws UserError where there is not as much.
void require_memory_for(const BarycenterPopulation& population, const std::string& name,
                        const Job& job, int processes) {
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
  const double of_one = most_bytes(population, job);
  parts.push_back({"the barycenters of a block",
                   std::min(static_cast<double>(population.sets.problems()) * of_one,
                            std::max(of_one, most_block_bytes))});
  require_memory(name, parts, processes,
                 points ? "fewer points, or a grid, which stores no costs, are needed"
                        : "fewer measures in a problem, fewer points or fewer ranks on a machine "
                          "are needed");
}

class BarycenterProblems final : public ProblemSet {
  /// work(), where what is wrong with the population names its file.
  template <class Work>
  decltype(auto) named(const Work& work) const {
    return with_population_named(file, job_.problem.epsilon, work);
  }

 public:
  BarycenterProblems(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    const PhaseTimer timer(report, "read");
    communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
      file = find_input(context, job_.files.test_population, "files.test_population", "make",
                        "test.h5");
      require_solve_memory(file, job_, neighbors);
      named([&] {
        population_ = read_job_barycenters(job_, file);
        require_memory_for(population_, file.string(), job_, neighbors);
        solver_.emplace(population_, job_);
      });
    });
    schema_.emplace(job_, population_, file.filename().string());
    layout = schema_->layout();
    identity = barycenter_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    most_problems = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(most_block_bytes / most_bytes(population_, job_)), 1,
        most_problems_of_block);
    method = "Bregman projections";
    reason = job_.barycenter.debiased   ? "the barycenters are debiased"
             : !job_.problem.balanced() ? "marginals are penalties"
                                        : "the support is fixed";
    shard_reason = "a barycenter is one rank's";
  }

  double work(Shard rows) const override {
    const auto& offsets = population_.sets.offsets;
    return static_cast<double>(offsets[rows.end] - offsets[rows.begin]);
  }
  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl& control) override {
    return schema_->table(named([&] { return solver_->solve(rows, seconds, control); }));
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    figures["measures"] = population_.measures;
    figures["largest_problem"] = population_.sets.largest();
  }
  std::string complaint(const StatusCounts& statuses) const override {
    return convergence_complaint(statuses, job_);
  }
  const char* items() const override { return "barycenters"; }
  const char* error_name() const override { return "residual"; }

 private:
  const Job& job_;
  BarycenterPopulation population_;
  std::optional<BarycenterSolver> solver_;
  std::optional<BarycenterSchema> schema_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_barycenters(const CommandContext& context, Report& report) {
  return std::make_unique<BarycenterProblems>(context, report);
}

}  // namespace otfleet

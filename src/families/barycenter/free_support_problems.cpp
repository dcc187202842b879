#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "src/families/barycenter/barycenter_family.hpp"
#include "src/families/barycenter/barycenter_schema.hpp"
#include "src/families/barycenter/free_support_population.hpp"
#include "src/families/barycenter/free_support_schema.hpp"
#include "src/families/barycenter/free_support_solver.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/memory/available_memory.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/problem_set.hpp"
#include "src/runs/solve_memory.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

constexpr std::int64_t most_problems_of_block = 4096;
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

class FreeSupportProblems final : public ProblemSet {
  /// work(), where what is wrong with the population names its file.
  template <class Work>
  decltype(auto) named(const Work& work) const {
    return with_population_named(file, job_.problem.epsilon, work);
  }

 public:
  FreeSupportProblems(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    const PhaseTimer timer(report, "read");
    communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
      file = find_input(context, job_.files.test_population, "files.test_population", "make",
                        "test.h5");
      require_solve_memory(file, job_, neighbors);
      named([&] {
        population_ = read_job_free_supports(job_, file);
        bytes_ = most_bytes(population_);
        require_memory(file.string(), {{"a problem on its way", bytes_}}, neighbors,
                       "fewer points (barycenter.points), fewer measures in a problem or fewer "
                       "ranks on a machine are needed");
        solver_.emplace(population_, job_);
      });
    });
    schema_.emplace(job_, population_, file.filename().string());
    layout = schema_->layout();
    identity = barycenter_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    most_problems = std::clamp<std::int64_t>(static_cast<std::int64_t>(most_block_bytes / bytes_),
                                             1, most_problems_of_block);
    first_problems = std::min(first_problems_of_block, most_problems);
    method = "alternating plans and points";
    reason = "the support is free";
    shard_reason = "a barycenter is one rank's";
  }

  double work(Shard rows) const override {
    double points = 0;
    for (std::int64_t k = rows.begin; k < rows.end; ++k)
      points += static_cast<double>(points_of_measures(population_, k));
    return points;
  }
  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl& control) override {
    return schema_->table(named([&] { return solver_->solve(rows, seconds, control); }));
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
  const char* items() const override { return "barycenters"; }
  const char* error_name() const override { return "residual"; }

 private:
  const Job& job_;
  FreeSupportPopulation population_;
  double bytes_ = 0;
  std::optional<FreeSupportSolver> solver_;
  std::optional<FreeSupportSchema> schema_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_free_supports(const CommandContext& context, Report& report) {
  return std::make_unique<FreeSupportProblems>(context, report);
}

}  // namespace otfleet

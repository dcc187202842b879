#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "kernels/problems/status.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/low_rank/low_rank_family.hpp"
#include "src/families/low_rank/low_rank_schema.hpp"
#include "src/families/low_rank/low_rank_solver.hpp"
#include "src/memory/available_memory.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/job_population.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t most_problems_of_block = 256;

class LowRankProblemSet final : public ProblemSet {
 public:
  LowRankProblemSet(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    const PhaseTimer timer(report, "read");
    double most = 0;
    communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
      file = find_input(context, job_.files.test_population, "files.test_population", "make",
                        "test.h5");
      require_clouds(job_, file);
      require_solve_memory(file, job_, neighbors);
      population_ = read_job_clouds(job_, file);
      const auto takes = [this](const kernels::GroundCost& cost) {
        return kernels::LowRankProblem::takes(cost, job_.low_rank.objective);
      };
      if (!takes(population_.ground_cost))
        throw UserError(fmt::format(
            "{}: the cost '{}' has no plans of low rank here; those that have are {}",
            file.string(), population_.cost_name(), fmt::join(ground_cost_names(takes), ", ")));
      solver_.emplace(population_, job_);
      for (std::int64_t k = 0; k < population_.problems(); ++k)
        most = std::max(most, solver_->bytes(k));
      require_memory(file.string(), {{"a problem on its way", most}}, neighbors,
                     "fewer points or fewer ranks on a machine are needed");
    });
    most_problems =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(most_block_bytes / std::max(most, 1.0)),
                                 1, most_problems_of_block);
    schema_.emplace(job_, population_, file.filename().string());
    layout = schema_->layout();
    identity = low_rank_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    method = "mirror descent on factors";
    reason = "plans have a low rank";
    shard_reason = "a problem is one rank's";
  }

  double work(distributed::Shard rows) const override {
    double sum = 0;
    for (std::int64_t k = rows.begin; k < rows.end; ++k)
      sum += static_cast<double>(population_.source_points(k) + population_.target_points(k));
    return sum;
  }
  SolutionTable solve(distributed::Shard rows, SolveSeconds& seconds,
                      SolveControl& control) override {
    return schema_->table(
        with_population_named(file, [&] { return solver_->solve(rows, seconds, control); }));
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    figures["max_relative_gap"] = tally.max_gap;
    figures["rank"] = job_.low_rank.rank;
  }
  std::string complaint(const StatusCounts& statuses) const override {
    const auto count = [&](kernels::Status status) { return statuses[static_cast<int>(status)]; };
    if (const auto limited = count(kernels::Status::iteration_limit); limited > 0)
      return fmt::format(
          "{} problems reached the limit of iterations: try more (solver.max_iterations, now {}) "
          "or a larger solver.threshold (now {:g})",
          limited, job_.solver.max_iterations, job_.solver.threshold);
    if (const auto stuck = count(kernels::Status::precision_limit); stuck > 0)
      return fmt::format(
          "{} problems found no further step: their plans and bounds hold; a smaller "
          "low_rank.rank (now {}) or a larger solver.threshold (now {:g}) may be met",
          stuck, job_.low_rank.rank, job_.solver.threshold);
    return {};
  }
  const char* error_name() const override { return "residual"; }

 private:
  const Job& job_;
  CloudPopulation population_;
  std::optional<LowRankSolver> solver_;
  std::optional<LowRankSchema> schema_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_low_rank(const CommandContext& context, Report& report) {
  return std::make_unique<LowRankProblemSet>(context, report);
}

}  // namespace otfleet

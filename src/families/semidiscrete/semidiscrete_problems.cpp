#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "kernels/problems/status.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/semidiscrete/semidiscrete_family.hpp"
#include "src/families/semidiscrete/semidiscrete_schema.hpp"
#include "src/families/semidiscrete/semidiscrete_solver.hpp"
#include "src/memory/available_memory.hpp"
#include "src/populations/job_population.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t most_problems_of_block = 256;

class SemidiscreteProblemSet final : public ProblemSet {
 public:
  SemidiscreteProblemSet(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    const PhaseTimer timer(report, "read");
    double most = 0;
    communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
      file = find_input(context, job_.files.test_population, "files.test_population", "make",
                        "test.h5");
      require_clouds(job_, file);
      require_solve_memory(file, job_, neighbors);
      population_ = read_job_clouds(job_, file);
      if (population_.cost_name() != "squared_euclidean")
        throw UserError(
            fmt::format("{}: the cost '{}' is not for noise here; problem = 'semidiscrete' has "
                        "squared_euclidean",
                        file.string(), population_.cost_name()));
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
    identity = semidiscrete_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    method = "averaged stochastic ascent";
    reason = "one side is sampled";
    shard_reason = "a problem is one rank's";
  }

  double work(distributed::Shard rows) const override {
    double sum = 0;
    for (std::int64_t k = rows.begin; k < rows.end; ++k)
      sum += std::pow(static_cast<double>(population_.target_points(k)), 2);
    return sum;
  }
  SolutionTable solve(distributed::Shard rows, SolveSeconds& seconds,
                      SolveControl& control) override {
    return schema_->table(
        with_population_named(file, [&] { return solver_->solve(rows, seconds, control); }));
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_marginal_error"] = tally.max_error;
    figures["max_relative_gap"] = tally.max_gap;
  }
  std::string complaint(const StatusCounts& statuses) const override {
    const auto count = [&](kernels::Status status) { return statuses[static_cast<int>(status)]; };
    if (const auto limited = count(kernels::Status::iteration_limit); limited > 0)
      return fmt::format(
          "{} problems reached the limit of steps: try more (solver.max_iterations, now {}) "
          "or a larger solver.threshold (now {:g})",
          limited, job_.solver.max_iterations, job_.solver.threshold);
    if (const auto stuck = count(kernels::Status::precision_limit); stuck > 0)
      return fmt::format(
          "{} problems seemed to have converged, but fresh samples say otherwise: their bounds "
          "hold; "
          "try a smaller solver.threshold (now {:g})",
          stuck, job_.solver.threshold);
    return {};
  }
  const char* error_name() const override { return "marginal error"; }

 private:
  const Job& job_;
  CloudPopulation population_;
  std::optional<SemidiscreteSolver> solver_;
  std::optional<SemidiscreteSchema> schema_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_semidiscrete(const CommandContext& context, Report& report) {
  return std::make_unique<SemidiscreteProblemSet>(context, report);
}

}  // namespace otfleet

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "src/families/gromov_wasserstein/gromov_wasserstein_family.hpp"
#include "src/families/gromov_wasserstein/gromov_wasserstein_solver.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/memory/available_memory.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t most_problems_of_block = 4096;

class GromovWassersteinProblemSet final : public ProblemSet {
  /// work(), where what is wrong with the population names its file.
  template <class Work>
  decltype(auto) named(const Work& work) const {
    return with_population_named(file, job_.problem.epsilon, work);
  }

 public:
  GromovWassersteinProblemSet(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    const PhaseTimer timer(report, "read");
    double most = 0;
    communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
      file = find_input(context, job_.files.test_population, "files.test_population", "make",
                        "test.h5");
      if (!holds_spaces(file)) require_solve_memory(file, job_, neighbors);
      named([&] {
        population_ = read_shape_problems(job_, file);
        solver_.emplace(population_, job_);
      });
      for (std::int64_t k = 0; k < population_.problems(); ++k)
        most = std::max(most, solver_->bytes(k));
      require_memory(file.string(), {{"a problem on its way", most}}, neighbors,
                     "fewer points, fewer starts (gromov_wasserstein.starts) or fewer ranks on a "
                     "machine are needed");
    });
    most_problems =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(most_block_bytes / std::max(most, 1.0)),
                                 1, most_problems_of_block);
    first_problems = std::min<std::int64_t>(4, most_problems);
    schema_.emplace(job_, population_, file.filename().string());
    layout = schema_->layout();
    identity = gromov_wasserstein_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    method = "Sinkhorn with linear costs";
    reason = "the problem is quadratic";
    shard_reason = "a problem is one rank's";
  }

  double work(distributed::Shard rows) const override {
    double sum = 0;
    for (std::int64_t k = rows.begin; k < rows.end; ++k) sum += solver_->work(k);
    return sum;
  }
  SolutionTable solve(distributed::Shard rows, SolveSeconds& seconds,
                      SolveControl& control) override {
    return schema_->table(named([&] { return solver_->solve(rows, seconds, control); }));
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    figures["max_relative_gap"] = tally.max_gap;
    figures["starts"] = job_.gromov_wasserstein.starts;
  }
  std::string complaint(const StatusCounts& statuses) const override {
    return convergence_complaint(statuses, job_);
  }
  const char* error_name() const override { return "residual"; }

 private:
  const Job& job_;
  ShapeProblems population_;
  std::optional<GromovWassersteinSolver> solver_;
  std::optional<GromovWassersteinSchema> schema_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_gromov_wasserstein(const CommandContext& context, Report& report) {
  return std::make_unique<GromovWassersteinProblemSet>(context, report);
}

}  // namespace otfleet

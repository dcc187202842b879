#include "src/families/linear/linear_problems.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "distributed/error.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/linear/methods/list.hpp"
#include "src/families/linear/plan_maps.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/families/linear/shard_choice.hpp"
#include "src/families/linear/sharded_cloud_solver.hpp"
#include "src/populations/any_population.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/job_population.hpp"
#include "src/populations/population.hpp"
#include "src/populations/population_names.hpp"
#include "src/populations/population_rows.hpp"
#include "src/refusals.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"
#include "src/trainers/model_start.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Shard;

constexpr const char *unbalanced_method = "block ascent",
                     *unbalanced_reason = "the problems are not balanced";

/// Problems of one block.
constexpr std::int64_t most_problems_of_block = 16384;

std::int64_t problems_at_once(std::int64_t bytes_of_one) {
  return std::clamp<std::int64_t>(
      static_cast<std::int64_t>(most_block_bytes) / std::max<std::int64_t>(bytes_of_one, 1), 1,
      most_problems_of_block);
}

/// What all problems of populations report.
class LinearProblems : public ProblemSet {
 public:
  LinearProblems(const CommandContext& context, const LinearInput& input) : job_(context.job) {
    file = input.file;
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    const bool balanced = job_.problem.balanced();
    if (balanced) {
      figures["method"]["newton"] = tally.counters[0];
      const bool coarsens = method == methods::multiscale().name();
      figures["method"][coarsens ? "multiscale" : "sinkhorn"] = layout.problems - tally.counters[0];
    }
    figures[balanced ? "max_marginal_error" : "max_residual"] = tally.max_error;
    figures["replaced_starts"] = tally.counters[1];
    figures["max_relative_gap"] = tally.max_gap;
  }
  std::string complaint(const StatusCounts& statuses) const override {
    return convergence_complaint(statuses, job_);
  }
  const char* error_name() const override {
    return job_.problem.balanced() ? "marginal error" : "residual";
  }

 protected:
  void declare(const PopulationView& population) {
    schema_.emplace(job_, population, file.filename().string());
    layout = schema_->layout();
  }
  SolutionTable table(Solutions solutions) const { return schema_->table(std::move(solutions)); }
  /// work(), where what is wrong with the population names its file.
  template <class Work>
  decltype(auto) named(const Work& work) const {
    return with_population_named(file, job_.problem.epsilon, work);
  }

  const Job& job_;

 private:
  std::optional<LinearSchema> schema_;
};

/// Problems that one rank solves, each rank its own.
class WholeProblems final : public LinearProblems {
 public:
  WholeProblems(const CommandContext& context, const LinearInput& input, Report& report)
      : LinearProblems(context, input) {
    const auto& communicator = context.communicator;
    {
      const PhaseTimer timer(report, "read");
      communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
        if (input.clouds()) check_clouds_fit(job_, file);
        check_solver_fits(job_);
        require_solve_memory(file, job_, neighbors);
        named([&] {
          population_ = read_any_job_population(job_, file);
          solver_.emplace(view(), job_.problem.epsilon);
        });
        check_job(communicator);
      });
    }
    std::string content =
        communicator.broadcast(communicator.is_root() ? content_fingerprint_of(population_) : "");
    if (initializer_named(job_.solver.initializer).needs_model()) {
      const Shard shard =
          distributed::block_shard(view().problems(), communicator.rank(), communicator.size());
      LoadedModel start = load_model(context, view(), shard, report);
      content += " " + start.checksum;
      model_ = std::move(start.model);
    }
    declare(view());
    identity = linear_identity(job_, content);
    sequences = solver_->sequences(job_.solver);
    most_problems = problems_at_once(solver_->most_bytes(job_.solution));
    // Of clouds one problem may be all that there is time for.
    if (!input.clouds()) first_problems = std::min<std::int64_t>(64, most_problems);
    if (job_.problem.balanced()) {
      const MethodChoice choice = solver_->choose(job_.solver);
      method = choice.name();
      reason = choice.reason;
    } else {
      method = unbalanced_method;
      reason = unbalanced_reason;
    }
  }

  void prepare() override {
    if (model_) predictor_ = solver_->make_predictor(*model_);
  }
  double work(Shard rows) const override {
    if (!job_.problem.balanced() && view().clouds() == nullptr) return LinearProblems::work(rows);
    return named([&] { return solver_->work(rows, job_.solver, predictor()); });
  }
  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl& control) override {
    return table(named([&] {
      return job_.problem.balanced()
                 ? solver_->solve(rows, job_.solver, predictor(), job_.solution, seconds, &control)
                 : solver_->solve_unbalanced(rows, job_.problem, job_.solver, predictor(),
                                             job_.solution, seconds, &control);
    }));
  }

 private:
  PopulationView view() const { return view_any(population_); }
  const StartPredictor* predictor() const { return predictor_.get(); }

  void check_job(const Communicator& communicator) const {
    if (job_.problem.balanced())
      solver_->check_feasible(file.string(), communicator.rank(), communicator.size());
    if (const auto complaint = solver_->complaint(job_.solver.initializer); !complaint.empty())
      throw UserError(fmt::format("solver.initializer = '{}': {} ({})", job_.solver.initializer,
                                  complaint, file.string()));
    if (!solver_->sequences(job_.solver).empty()) {
      const std::string first = job_.solver.first_initializer;
      if (const auto complaint = solver_->complaint(first); !complaint.empty())
        throw UserError(fmt::format("solver.first_initializer = '{}': {} ({})", first, complaint,
                                    file.string()));
      if (!job_.problem.balanced())
        throw UserError(fmt::format(
            "solver.initializer = '{}' is for problems with exact marginals; with problem.tau_a, "
            "problem.tau_b or problem.transported_share use another, such as 'zeros'",
            job_.solver.initializer));
    }
    if (job_.solution.divergence)
      if (const auto complaint = DerivedValues::divergence_complaint(view()); !complaint.empty())
        throw UserError(fmt::format("solution.divergence: {} ({})", complaint, file.string()));
    if (job_.solution.projection && view().geometry().coordinates == 0)
      throw UserError(fmt::format(
          "solution.projection needs the coordinates of the target points; {} has a cost matrix "
          "without points",
          file.string()));
  }

  AnyPopulation population_;
  std::optional<PopulationSolver> solver_;
  std::unique_ptr<StartModel> model_;
  std::unique_ptr<StartPredictor> predictor_;
};

/// Problems that all ranks solve together, each some rows.
class ProblemsByRows final : public LinearProblems {
 public:
  ProblemsByRows(const CommandContext& context, const LinearInput& input, Report& report)
      : LinearProblems(context, input) {
    const auto& communicator = context.communicator;
    {
      const PhaseTimer timer(report, "read");
      const int neighbors = communicator.ranks_on_machine();
      communicator.agree([&] {
        check_solver_fits(job_);
        if (input.clouds())
          require_multiscale_memory(file, job_, neighbors);
        else
          require_solve_memory(file, job_, neighbors, communicator.size());
      });
      population_ = open_population_rows(job_, file, communicator);
    }
    declare(population_->view());
    identity = linear_identity(job_, population_->content_fingerprint());
    solver_.emplace(*population_, job_.problem.epsilon, communicator);
    together = true;
    method = unbalanced_method;
    reason = unbalanced_reason;
    if (!job_.problem.balanced()) return;
    const MethodChoice choice = choose_method(*population_, job_.solver);
    method = choice.name();
    reason = choice.reason;
  }

  TogetherPart solve_together(std::int64_t problem, SolveStore& store, const Tell& tell,
                              SolveSeconds& seconds) override {
    auto part = named([&] {
      return solver_->solve(
          problem, job_.problem, job_.solver, job_.solution, seconds, &store,
          [&](std::int64_t iterations, double error) { tell(problem, iterations, error); });
    });
    seconds.waiting = solver_->wait_seconds();
    if (part.ended) return {{}, {}, true};
    return {{{}, part.sources, part.targets, {}, {}}, table(std::move(part.solutions)), false};
  }

 private:
  std::unique_ptr<PopulationRows> population_;
  std::optional<ShardedCloudSolver> solver_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_linear_problems(const CommandContext& context, Report& report) {
  if (context.job.maps_by_plans()) return open_plan_maps(context, report);
  LinearInput input;
  context.communicator.agree([&] {
    input.file = find_input(context, context.job.files.test_population, "files.test_population",
                            "make", "test.h5");
    input.kind = find_geometry_kind(distributed::Hdf5File::open(input.file));
  });
  const ShardChoice shard = choose_shard(context, input);
  std::unique_ptr<ProblemSet> problems;
  if (shard.rows)
    problems = std::make_unique<ProblemsByRows>(context, input, report);
  else
    problems = std::make_unique<WholeProblems>(context, input, report);
  problems->shard_reason = shard.reason;
  return problems;
}

}  // namespace otfleet

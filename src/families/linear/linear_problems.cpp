#include "src/families/linear/linear_problems.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "distributed/error.hpp"
#include "src/families/linear/cloud_population_solver.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/linear/methods/list.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/families/linear/shard_choice.hpp"
#include "src/families/linear/sharded_cloud_solver.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/cloud_population_rows.hpp"
#include "src/populations/job_population.hpp"
#include "src/populations/population.hpp"
#include "src/refusals.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"
#include "src/trainers/model_start.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Shard;

/// Problems of one block.
constexpr std::int64_t most_problems_of_block = 16384;

std::int64_t problems_at_once(std::int64_t bytes_of_one) {
  return std::clamp<std::int64_t>(
      static_cast<std::int64_t>(most_block_bytes) / std::max<std::int64_t>(bytes_of_one, 1), 1,
      most_problems_of_block);
}

/// About how many iterations' work the problems are: their starts' marginal errors, those of a few
/// problems in the middle, have to fall to the threshold.
double predicted_work(const PopulationSolver& solver, const SolverOptions& settings, Shard rows,
                      const StartPredictor* predictor) {
  constexpr std::int64_t most_sampled = 8;
  constexpr double iterations_besides = 10;   // the start, the certificate
  constexpr double iterations_per_efold = 2;  // on digits at epsilon = 1e-2
  const std::int64_t sampled = std::min(rows.size(), most_sampled);
  if (sampled == 0) return 0;
  const std::int64_t first = rows.begin + (rows.size() - sampled) / 2;
  const double sum = solver.error_sums({first, first + sampled}, settings, predictor, 1)[0];
  const double error = sum / static_cast<double>(sampled);
  const double efolds = error > settings.threshold ? std::log(error / settings.threshold) : 0;
  return static_cast<double>(rows.size()) * (iterations_besides + iterations_per_efold * efolds);
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
      figures["method"]["sinkhorn"] = layout.problems - tally.counters[0];
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
  template <class P>
  void declare(const P& population) {
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

/// Problems that share their points.
class SharedPointsProblems : public LinearProblems {
 public:
  SharedPointsProblems(const CommandContext& context, const LinearInput& input, Report& report)
      : LinearProblems(context, input) {
    const auto& communicator = context.communicator;
    {
      const PhaseTimer timer(report, "read");
      communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
        check_solver_fits(job_);
        require_solve_memory(file, job_, neighbors);
        named([&] {
          population_ = read_job_population(job_, file);
          solver_.emplace(population_, job_.problem.epsilon);
        });
        check_job(communicator);
      });
    }
    std::string content =
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : "");
    if (initializer_named(job_.solver.initializer).needs_model()) {
      const Shard shard = distributed::block_shard(population_.problems(), communicator.rank(),
                                                   communicator.size());
      StartModel start = load_model(context, population_, shard, report);
      content += " " + start.checksum;
      model_.emplace(std::move(start.model));
    }
    declare(population_);
    identity = linear_identity(job_, content);
    const Geometry& geometry = population_.geometry;
    most_problems =
        problems_at_once(plan_output_bytes(job_.solution, geometry) +
                         (job_.solution.potentials ? 8 * (geometry.n + geometry.m) : 0));
    first_problems = std::min<std::int64_t>(64, most_problems);
  }

 protected:
  void check_job(const Communicator& communicator) const {
    if (job_.problem.balanced())
      solver_->check_feasible(file.string(), communicator.rank(), communicator.size());
    if (const auto complaint = solver_->complaint(job_.solver.initializer); !complaint.empty())
      throw UserError(fmt::format("solver.initializer = '{}': {} ({})", job_.solver.initializer,
                                  complaint, file.string()));
    if (job_.solution.divergence)
      if (const auto complaint = DerivedValues::divergence_complaint(population_);
          !complaint.empty())
        throw UserError(fmt::format("solution.divergence: {} ({})", complaint, file.string()));
    if (job_.solution.projection && population_.geometry.coordinates() == 0)
      throw UserError(fmt::format(
          "solution.projection needs the coordinates of the target points; {} has a cost matrix "
          "without points",
          file.string()));
  }

  Population population_;
  std::optional<PopulationSolver> solver_;
  std::optional<PotentialModel> model_;
};

class BalancedProblems final : public SharedPointsProblems {
 public:
  BalancedProblems(const CommandContext& context, const LinearInput& input, Report& report)
      : SharedPointsProblems(context, input, report) {
    const MethodChoice choice = solver_->choose(job_.solver);
    method = choice.name();
    reason = choice.reason;
  }

  void prepare() override {
    if (model_) predictor_.emplace(solver_->make_predictor(*model_));
  }
  double work(Shard rows) const override {
    return named([&] { return predicted_work(*solver_, job_.solver, rows, predictor()); });
  }
  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl& control) override {
    return table(named([&] {
      return solver_->solve(rows, job_.solver, predictor(), job_.solution, seconds, &control);
    }));
  }

 private:
  const StartPredictor* predictor() const { return predictor_ ? &*predictor_ : nullptr; }

  std::optional<StartPredictor> predictor_;
};

class UnbalancedProblems final : public SharedPointsProblems {
 public:
  UnbalancedProblems(const CommandContext& context, const LinearInput& input, Report& report)
      : SharedPointsProblems(context, input, report) {
    method = "block ascent";
    reason = "the problems are not balanced";
  }

  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl& control) override {
    return table(named([&] {
      return solver_->solve_unbalanced(rows, job_.problem, job_.solver, job_.solution, seconds,
                                       &control);
    }));
  }
};

/// Problems in which every measure has points of its own.
class CloudsProblems final : public LinearProblems {
 public:
  CloudsProblems(const CommandContext& context, const LinearInput& input, Report& report)
      : LinearProblems(context, input) {
    const auto& communicator = context.communicator;
    {
      const PhaseTimer timer(report, "read");
      communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
        check_clouds_fit(job_, file);
        require_solve_memory(file, job_, neighbors);
        population_ = read_job_clouds(job_, file);
        named([&] { solver_.emplace(population_, job_.problem.epsilon); });
      });
    }
    declare(population_);
    identity = linear_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    most_problems = problems_at_once(solver_->most_bytes(job_.solution));
    method = methods::sinkhorn().name();
    reason = "every measure has points of its own";
  }

  double work(Shard rows) const override { return solver_->work(rows); }
  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl& control) override {
    return table(
        named([&] { return solver_->solve(rows, job_.solver, job_.solution, seconds, &control); }));
  }

 private:
  CloudPopulation population_;
  std::optional<CloudPopulationSolver> solver_;
};

/// The same, the ranks sharing the rows of every problem.
class CloudRowsProblems final : public LinearProblems {
 public:
  CloudRowsProblems(const CommandContext& context, const LinearInput& input, Report& report)
      : LinearProblems(context, input) {
    const auto& communicator = context.communicator;
    {
      const PhaseTimer timer(report, "read");
      population_.emplace(file, communicator, job_.solver.normalize);
      communicator.agree([&] { require_job_agrees(job_, population_->outline(), file); });
    }
    declare(population_->outline());
    identity = linear_identity(job_, population_->content_fingerprint());
    solver_.emplace(*population_, job_.problem.epsilon, communicator);
    together = true;
    method = methods::sinkhorn().name();
    reason = "every measure has points of its own";
  }

  TogetherPart solve_together(std::int64_t problem, SolveStore& store, const Tell& tell,
                              SolveSeconds& seconds) override {
    auto part = named([&] {
      return solver_->solve(
          problem, job_.solver, job_.solution, seconds, &store,
          [&](std::int64_t iterations, double error) { tell(problem, iterations, error); });
    });
    seconds.waiting = solver_->wait_seconds();
    if (part.ended) return {{}, {}, true};
    return {{{}, part.sources, part.targets, {}}, table(std::move(part.solutions)), false};
  }

 private:
  std::optional<CloudPopulationRows> population_;
  std::optional<ShardedCloudSolver> solver_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_linear_problems(const CommandContext& context, Report& report) {
  LinearInput input;
  context.communicator.agree([&] {
    input.file = find_input(context, context.job.files.test_population, "files.test_population",
                            "make", "test.h5");
    input.clouds = holds_clouds(input.file);
  });
  const ShardChoice shard = choose_shard(context, input);
  std::unique_ptr<ProblemSet> problems;
  if (shard.rows)
    problems = std::make_unique<CloudRowsProblems>(context, input, report);
  else if (input.clouds)
    problems = std::make_unique<CloudsProblems>(context, input, report);
  else if (context.job.problem.balanced())
    problems = std::make_unique<BalancedProblems>(context, input, report);
  else
    problems = std::make_unique<UnbalancedProblems>(context, input, report);
  problems->shard_reason = shard.reason;
  return problems;
}

}  // namespace otfleet

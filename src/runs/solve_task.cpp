#include "src/runs/solve_task.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "distributed/error.hpp"
#include "src/families/linear/cloud_population_solver.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/linear/methods/list.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"
#include "src/refusals.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/job_population.hpp"
#include "src/runs/solve_memory.hpp"
#include "src/trainers/model_start.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// Problems of one block.
constexpr std::int64_t most_problems = 16384;

std::int64_t problems_at_once(std::int64_t bytes_of_one) {
  return std::clamp<std::int64_t>(
      static_cast<std::int64_t>(most_block_bytes) / std::max<std::int64_t>(bytes_of_one, 1), 1,
      most_problems);
}

/// About how many iterations' work the problems are: their starts' marginal errors, those of a few
/// problems in the middle, have to fall to the threshold.
double predicted_work(const PopulationSolver& solver, const Job::Solver& settings, Shard rows,
                      const Predictor* predictor) {
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

/// Problems that share their points, and who solves them.
struct SharedPoints {
  Population population;
  std::optional<PopulationSolver> solver;
  std::optional<PotentialModel> model;
  std::optional<Predictor> predictor;
};

SolveTask shared_points_task(const CommandContext& context, const std::filesystem::path& file,
                             Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  const auto state = std::make_shared<SharedPoints>();
  auto& population = state->population;
  auto& solver = state->solver;
  const int neighbors = communicator.ranks_on_machine();
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      check_solver_fits(job);
      require_solve_memory(file, job, neighbors);
      with_population_named(file, job.problem.epsilon, [&] {
        population = read_job_population(job, file);
        solver.emplace(population, job.problem.epsilon);
      });
      if (job.problem.balanced())
        solver->check_feasible(file.string(), communicator.rank(), communicator.size());
      if (const auto complaint = solver->complaint(job.solver.initializer); !complaint.empty())
        throw UserError(fmt::format("solver.initializer = '{}': {} ({})", job.solver.initializer,
                                    complaint, file.string()));
      if (job.solution.divergence)
        if (const auto complaint = DerivedValues::divergence_complaint(population);
            !complaint.empty())
          throw UserError(fmt::format("solution.divergence: {} ({})", complaint, file.string()));
      if (job.solution.projection && population.geometry.coordinates() == 0)
        throw UserError(fmt::format(
            "solution.projection needs the coordinates of the target points; {} has a cost matrix "
            "without points",
            file.string()));
    });
  }
  std::string content =
      communicator.broadcast(communicator.is_root() ? population.content_fingerprint() : "");
  if (initializer_named(job.solver.initializer).needs_model()) {
    const Shard shard =
        distributed::block_shard(population.problems(), communicator.rank(), communicator.size());
    StartModel start = load_model(context, population, shard, report);
    content += " " + start.checksum;
    state->model.emplace(std::move(start.model));
  }
  SolveTask task{{file, population}};
  task.content = std::move(content);
  task.most_problems = problems_at_once(
      plan_output_bytes(job.solution, population.geometry) +
      (job.solution.potentials ? 8 * (population.geometry.n + population.geometry.m) : 0));
  task.first_problems = std::min<std::int64_t>(64, task.most_problems);
  task.prepare = [] {};
  if (!job.problem.balanced()) {
    task.method = "block ascent";
    task.reason = "the problems are not balanced";
    task.work = [](Shard rows) { return static_cast<double>(rows.size()); };
    task.solve = [state, file, &job](Shard rows, SolveSeconds& seconds, SolveControl& control) {
      return with_population_named(file, job.problem.epsilon, [&] {
        return state->solver->solve_unbalanced(rows, job.problem, job.solver, job.solution, seconds,
                                               &control);
      });
    };
    return task;
  }
  const MethodChoice choice = solver->choose(job.solver);
  task.method = choice.name();
  task.reason = choice.reason;
  if (state->model)
    task.prepare = [state] {
      state->predictor.emplace(state->solver->make_predictor(*state->model));
    };
  task.work = [state, file, &job](Shard rows) {
    return with_population_named(file, job.problem.epsilon, [&] {
      return predicted_work(*state->solver, job.solver, rows,
                            state->predictor ? &*state->predictor : nullptr);
    });
  };
  task.solve = [state, file, &job](Shard rows, SolveSeconds& seconds, SolveControl& control) {
    return with_population_named(file, job.problem.epsilon, [&] {
      return state->solver->solve(rows, job.solver, state->predictor ? &*state->predictor : nullptr,
                                  job.solution, seconds, &control);
    });
  };
  return task;
}

/// Problems in which every measure has points of its own, and who solves them.
struct Clouds {
  CloudPopulation population;
  std::optional<CloudPopulationSolver> solver;
};

SolveTask clouds_task(const CommandContext& context, const std::filesystem::path& file,
                      Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  const auto state = std::make_shared<Clouds>();
  const int neighbors = communicator.ranks_on_machine();
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      check_clouds_fit(job, file);
      require_solve_memory(file, job, neighbors);
      state->population = read_job_clouds(job, file);
      with_population_named(file, job.problem.epsilon,
                            [&] { state->solver.emplace(state->population, job.problem.epsilon); });
    });
  }
  SolveTask task{{file, state->population}};
  task.content =
      communicator.broadcast(communicator.is_root() ? state->population.content_fingerprint() : "");
  task.most_problems = problems_at_once(state->solver->most_bytes(job.solution));
  task.method = methods::sinkhorn().name();
  task.reason = "every measure has points of its own";
  task.prepare = [] {};
  task.work = [state](Shard rows) { return state->solver->work(rows); };
  task.solve = [state, file, &job](Shard rows, SolveSeconds& seconds, SolveControl& control) {
    return with_population_named(file, job.problem.epsilon, [&] {
      return state->solver->solve(rows, job.solver, job.solution, seconds, &control);
    });
  };
  return task;
}

}  // namespace

SolveTask make_solve_task(const CommandContext& context, Report& report) {
  std::filesystem::path file;
  bool clouds = false;
  context.communicator.agree([&] {
    file = find_input(context, context.job.files.test_population, "files.test_population", "make",
                      "test.h5");
    clouds = holds_clouds(file);
  });
  return clouds ? clouds_task(context, file, report) : shared_points_task(context, file, report);
}

}  // namespace otfleet

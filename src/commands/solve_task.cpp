#include "src/commands/solve_task.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "distributed/error.hpp"
#include "src/commands/input_files.hpp"
#include "src/commands/model_start.hpp"
#include "src/problems/cloud_population.hpp"
#include "src/problems/population.hpp"
#include "src/solvers/cloud_population_solver.hpp"
#include "src/solvers/population_solver.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

constexpr std::int64_t most_bytes = std::int64_t{1} << 28;

std::vector<Shard> equal_blocks(Shard shard, const Job::Solution& wanted,
                                const Geometry& geometry) {
  constexpr std::int64_t most_problems = 16384;
  const std::int64_t bytes = std::max<std::int64_t>(plan_output_bytes(wanted, geometry), 1);
  const std::int64_t size = std::clamp<std::int64_t>(most_bytes / bytes, 1, most_problems);
  std::vector<Shard> blocks;
  for (std::int64_t begin = shard.begin; begin < shard.end; begin += size)
    blocks.push_back({begin, std::min(begin + size, shard.end)});
  return blocks;
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
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      check_solver_fits(job);
      population = read_population(file, job.problem.balanced());
      solver.emplace(population, job.problem.epsilon);
      if (const auto complaint = solver->complaint(job.solver.initializer); !complaint.empty())
        throw UserError(fmt::format("solver.initializer = '{}': {} ({})", job.solver.initializer,
                                    complaint, file.string()));
      if (job.solution.projection && population.geometry.coordinates() == 0)
        throw UserError(fmt::format(
            "solution.projection needs the coordinates of the target points; {} has a cost matrix "
            "without points",
            file.string()));
    });
  }
  const Shard shard =
      distributed::block_shard(population.problems(), communicator.rank(), communicator.size());
  double fine_tune_seconds = 0;
  if (job.solver.initializer == "model")
    state->model.emplace(load_model(context, population, shard, report, fine_tune_seconds));

  SolveTask task{file,
                 population,
                 equal_blocks(shard, job.solution, population.geometry),
                 "block ascent",
                 "the problems are not balanced",
                 [] {},
                 {}};
  if (!job.problem.balanced()) {
    task.solve = [state, &job](Shard rows, SolveSeconds& seconds) {
      return state->solver->solve_unbalanced(rows, job.problem, job.solver, job.solution.potentials,
                                             seconds);
    };
    return task;
  }
  const MethodChoice choice = solver->choose(job.solver);
  task.method = method_name(choice.plan);
  task.reason = choice.reason;
  task.prepare = [state, shard] {
    if (state->model) state->predictor.emplace(state->solver->make_predictor(*state->model, shard));
  };
  task.solve = [state, &job](Shard rows, SolveSeconds& seconds) {
    return state->solver->solve(rows, job.solver, state->predictor ? &*state->predictor : nullptr,
                                job.solution, seconds);
  };
  return task;
}

}  // namespace

void check_clouds_fit(const Job& job, const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& key, const std::string& value,
                          const std::string& instead) {
    throw UserError(
        fmt::format("{} = '{}' needs points that all problems share, but every measure of {} has "
                    "its own; use '{}'",
                    key, value, file.string(), instead));
  };
  const auto& problem = job.problem;
  if (problem.tau_a != 1) refuse("problem.tau_a", fmt::format("{}", problem.tau_a), "1");
  if (problem.tau_b != 1) refuse("problem.tau_b", fmt::format("{}", problem.tau_b), "1");
  if (problem.transported_share != 0)
    refuse("problem.transported_share", fmt::format("{}", problem.transported_share), "0");
  if (job.solver.initializer != "zeros")
    refuse("solver.initializer", job.solver.initializer, "zeros");
  if (job.solver.method == "newton") refuse("solver.method", job.solver.method, "sinkhorn");
  if (job.solution.plan != "none") refuse("solution.plan", job.solution.plan, "none");
}

namespace {

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
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      check_clouds_fit(job, file);
      state->population = read_cloud_population(file);
      try {
        state->solver.emplace(state->population, job.problem.epsilon);
      } catch (const UserError& error) {
        throw UserError(file.string() + ": " + error.what());
      }
    });
  }
  const auto& solver = *state->solver;
  const Shard shard = solver.shard(communicator.rank(), communicator.size());
  return {file,
          state->population,
          solver.blocks(shard, job.solution, most_bytes),
          method_name(MethodChoice::Plan::sinkhorn),
          "every measure has points of its own",
          [] {},
          [state, &job](Shard rows, SolveSeconds& seconds) {
            return state->solver->solve(rows, job.solver, job.solution, seconds);
          }};
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

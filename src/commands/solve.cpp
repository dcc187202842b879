#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iostream>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "src/commands/commands.hpp"
#include "src/commands/input_files.hpp"
#include "src/commands/model_start.hpp"
#include "src/problems/population.hpp"
#include "src/reports/progress.hpp"
#include "src/reports/report.hpp"
#include "src/solvers/population_solver.hpp"
#include "src/solvers/solution_file.hpp"

namespace otfleet {
namespace {

using distributed::Reduction;
using distributed::Shard;

/// Problems of a rank between two writes: bounds the memory that potentials take, and what is made
/// from plans.
std::int64_t block_size(const Job::Solution& wanted, const Geometry& geometry) {
  constexpr std::int64_t most_problems = 16384, most_bytes = std::int64_t{1} << 28;
  const std::int64_t bytes = std::max<std::int64_t>(plan_output_bytes(wanted, geometry), 1);
  return std::clamp<std::int64_t>(most_bytes / bytes, 1, most_problems);
}

/// Running figures over the instances of this rank.
struct Tally {
  std::int64_t converged = 0, iterations = 0;
  double max_error = 0, max_gap = 0;
  SolveCounts counts;

  void add(const Solutions& solutions, bool balanced) {
    counts.add(solutions.counts);
    const auto& errors = balanced ? solutions.marginal_error : solutions.residual;
    const auto& uppers = balanced ? solutions.upper_bound : solutions.primal_value;
    const auto& lowers = balanced ? solutions.lower_bound : solutions.dual_value;
    for (std::size_t k = 0; k < solutions.status.size(); ++k) {
      converged += solutions.status[k] == static_cast<int>(kernels::Status::converged);
      iterations += solutions.iterations[k];
      const double error = errors[k];
      // A NaN shows itself in the maximum instead of hiding.
      max_error = std::isnan(error) ? INFINITY : std::max(max_error, error);
      const double upper = uppers[k];
      const double gap = upper - lowers[k];
      const double relative = gap <= 0 ? 0 : gap / std::abs(upper);
      max_gap = std::isnan(relative) ? INFINITY : std::max(max_gap, relative);
    }
  }

  void reduce(const distributed::Communicator& communicator) {
    converged = communicator.all_reduce(converged, Reduction::sum);
    iterations = communicator.all_reduce(iterations, Reduction::sum);
    counts.newton = communicator.all_reduce(counts.newton, Reduction::sum);
    counts.replaced_starts = communicator.all_reduce(counts.replaced_starts, Reduction::sum);
    max_error = communicator.all_reduce(max_error, Reduction::max);
    max_gap = communicator.all_reduce(max_gap, Reduction::max);
  }
};

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

}  // namespace

void run_solve(const CommandContext& context) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  Report report("solve", job, communicator);
  Population population;
  std::filesystem::path population_file;
  std::optional<PopulationSolver> solver;
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      population_file = find_input(context, job.files.test_population, "files.test_population",
                                   "make", "test.h5");
      check_solver_fits(job);
      population = read_population(population_file, job.problem.balanced());
      solver.emplace(population, job.problem.epsilon);
      if (const auto complaint = solver->complaint(job.solver.initializer); !complaint.empty())
        throw UserError(fmt::format("solver.initializer = '{}': {} ({})", job.solver.initializer,
                                    complaint, population_file.string()));
      if (job.solution.projection && population.geometry.coordinates() == 0)
        throw UserError(fmt::format(
            "solution.projection needs the coordinates of the target points; {} has a cost matrix "
            "without points",
            population_file.string()));
    });
  }
  const Shard shard =
      distributed::block_shard(population.problems(), communicator.rank(), communicator.size());
  std::optional<PotentialModel> model;
  double fine_tune_seconds = 0;
  if (job.solver.initializer == "model")
    model.emplace(load_model(context, population, shard, report, fine_tune_seconds));

  const bool balanced = job.problem.balanced();
  std::string method = "block ascent", reason = "the problems are not balanced";
  if (balanced) {
    const MethodChoice choice = solver->choose(job.solver);
    method = method_name(choice.plan);
    reason = choice.reason;
  }
  if (context.prints()) spdlog::info("{}: {}", method, reason);
  SolutionFile file(context.output / "solution.h5", communicator, population, job,
                    population_file.filename().string());
  SolveSeconds seconds;
  double write_seconds = 0;
  Tally tally;
  communicator.barrier();
  const auto begin = std::chrono::steady_clock::now();
  std::optional<Predictor> predictor;
  if (model) predictor.emplace(solver->make_predictor(*model, shard));
  {
    const PhaseTimer timer(report, "solve");
    Progress progress("solve", "problems", population.problems(), context.prints());
    // Every rank makes the same number of collective writes; the last ones may be empty.
    const std::int64_t longest = communicator.all_reduce(shard.size(), Reduction::max);
    const std::int64_t block = block_size(job.solution, population.geometry);
    for (std::int64_t done = 0; done < longest; done += block) {
      const Shard rows{std::min(shard.begin + done, shard.end),
                       std::min(shard.begin + done + block, shard.end)};
      Solutions solutions;
      communicator.agree([&] {
        solutions = balanced ? solver->solve(rows, job.solver, predictor ? &*predictor : nullptr,
                                             job.solution, seconds)
                             : solver->solve_unbalanced(rows, job.problem, job.solver,
                                                        job.solution.potentials, seconds);
      });
      tally.add(solutions, balanced);
      const auto before_write = std::chrono::steady_clock::now();
      file.write(rows, std::move(solutions));
      write_seconds +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - before_write).count();
      progress.update(std::min(population.problems(), (done + block) * communicator.size()));
    }
  }
  {
    const PhaseTimer timer(report, "write");
    file.commit();
  }
  const double elapsed = communicator.all_reduce(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
      Reduction::max);
  std::array<double, 4> slowest = {seconds.start, seconds.iterate, seconds.certify, seconds.plan};
  communicator.all_reduce(std::span<double>(slowest), Reduction::max);
  report.add_seconds("start", seconds.start);
  report.add_seconds("iterate", seconds.iterate);
  report.add_seconds("certify", seconds.certify);
  report.add_seconds("plan", seconds.plan);
  report.add_seconds("write", write_seconds);
  tally.reduce(communicator);

  const std::int64_t problems = population.problems();
  const double per_second = static_cast<double>(problems) / elapsed;
  auto& figures = report.figures();
  figures["solution"] = (context.output / "solution.h5").string();
  figures["population"] = population_file.string();
  figures["instances"] = problems;
  figures["instances_per_second"] = per_second;
  // Of the slowest rank; reading, writing and waiting are not in it.
  figures["solve_seconds"] = {{"start", slowest[0]},
                              {"iterate", slowest[1]},
                              {"certify", slowest[2]},
                              {"plan", slowest[3]}};
  figures["converged"] = tally.converged;
  figures["failed"] = problems - tally.converged;
  figures["mean_iterations"] =
      problems > 0 ? static_cast<double>(tally.iterations) / static_cast<double>(problems) : 0.0;
  figures["method"] = {{"chosen", method}, {"reason", reason}};
  if (balanced) {
    figures["method"]["newton"] = tally.counts.newton;
    figures["method"]["sinkhorn"] = problems - tally.counts.newton;
  }
  figures["replaced_starts"] = tally.counts.replaced_starts;
  figures[balanced ? "max_marginal_error" : "max_residual"] = finite_or_null(tally.max_error);
  figures["max_relative_gap"] = finite_or_null(tally.max_gap);
  report.write(context.output);
  if (context.prints())
    std::cout << fmt::format(
        "{}: {} problems, {} converged, {:.1f} iterations on average, largest {} {:.2e}, "
        "{:.0f} problems/s\n",
        (context.output / "solution.h5").string(), problems, tally.converged,
        figures["mean_iterations"].get<double>(), balanced ? "marginal error" : "residual",
        tally.max_error, per_second);
}

}  // namespace otfleet

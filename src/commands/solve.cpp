#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iostream>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "src/commands/commands.hpp"
#include "src/commands/shard_choice.hpp"
#include "src/commands/solve_rows.hpp"
#include "src/commands/solve_task.hpp"
#include "src/reports/progress.hpp"
#include "src/reports/report.hpp"
#include "src/solvers/solution_file.hpp"

namespace otfleet {
namespace {

using distributed::Reduction;
using distributed::Shard;

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
  const ShardChoice shard = choose_shard(context);
  if (shard.rows) return run_sharded_solve(context, shard);
  Report report("solve", job, communicator);
  const SolveTask task = make_solve_task(context, report);
  const bool balanced = job.problem.balanced();
  if (context.prints()) spdlog::info("{}: {}", task.method, task.reason);
  SolutionFile file(context.output / "solution.h5", communicator, task.layout, job,
                    task.population_file.filename().string());
  const std::int64_t problems = task.layout.problems;
  SolveSeconds seconds;
  double write_seconds = 0;
  Tally tally;
  communicator.barrier();
  const auto begin = std::chrono::steady_clock::now();
  task.prepare();
  {
    const PhaseTimer timer(report, "solve");
    Progress progress("solve", "problems", problems, context.prints());
    // Every rank makes the same number of collective writes; the last ones may be empty.
    const std::int64_t writes =
        communicator.all_reduce(static_cast<std::int64_t>(task.blocks.size()), Reduction::max);
    std::int64_t done = 0;
    for (std::size_t block = 0; block < static_cast<std::size_t>(writes); ++block) {
      const Shard rows = block < task.blocks.size() ? task.blocks[block] : Shard{};
      Solutions solutions;
      communicator.agree([&] { solutions = task.solve(rows, seconds); });
      tally.add(solutions, balanced);
      const auto before_write = std::chrono::steady_clock::now();
      file.write(rows, std::move(solutions));
      write_seconds +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - before_write).count();
      done += rows.size();
      progress.update(std::min(problems, done * communicator.size()));
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

  const double per_second = static_cast<double>(problems) / elapsed;
  auto& figures = report.figures();
  figures["solution"] = (context.output / "solution.h5").string();
  figures["population"] = task.population_file.string();
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
  figures["method"] = {{"chosen", task.method}, {"reason", task.reason}};
  figures["shard"] = {{"chosen", "problems"}, {"reason", shard.reason}};
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

#include "src/commands/solve_rows.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iostream>
#include <optional>

#include "src/commands/input_files.hpp"
#include "src/problems/cloud_population_rows.hpp"
#include "src/reports/progress.hpp"
#include "src/reports/report.hpp"
#include "src/solvers/sharded_cloud_solver.hpp"
#include "src/solvers/sharded_solution_file.hpp"
#include "src/solvers/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Reduction;

/// The largest of some figures; infinite where one is NaN.
double largest(std::int64_t count, const auto& figure) {
  double result = 0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
    const double value = figure(k);
    result = std::isnan(value) ? INFINITY : std::max(result, value);
  }
  return result;
}

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

}  // namespace

void run_sharded_solve(const CommandContext& context, const ShardChoice& shard) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  Report report("solve", job, communicator);
  std::filesystem::path path;
  std::optional<CloudPopulationRows> population;
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      path = find_input(context, job.files.test_population, "files.test_population", "make",
                        "test.h5");
    });
    population.emplace(path, communicator);
  }
  if (context.prints()) spdlog::info("row by row: {}", shard.reason);
  const std::int64_t problems = population->outline().problems();
  ShardedSolutionFile file(context.output / "solution.h5", communicator, population->outline(), job,
                           path.filename().string());
  ShardedCloudSolver solver(*population, job.problem.epsilon, communicator);
  Solutions all;
  SolveSeconds seconds;
  double write_seconds = 0;
  communicator.barrier();
  double elapsed = 0;
  {
    const StopWatch whole(elapsed);
    {
      const PhaseTimer timer(report, "solve");
      Progress progress("solve", "problems", problems, context.prints());
      for (std::int64_t k = 0; k < problems; ++k) {
        const auto part = solver.solve(k, job.solver, job.solution, seconds);
        all.add_figures(part.solutions);
        const StopWatch watch(write_seconds);
        file.write(k, part);
        progress.update(k + 1);
      }
    }
    const PhaseTimer timer(report, "write");
    file.commit(all);
  }
  elapsed = communicator.all_reduce(elapsed, Reduction::max);
  std::array<double, 4> slowest = {seconds.iterate, seconds.certify, seconds.plan,
                                   solver.wait_seconds()};
  communicator.all_reduce(std::span<double>(slowest), Reduction::max);
  report.add_seconds("iterate", seconds.iterate);
  report.add_seconds("certify", seconds.certify);
  report.add_seconds("plan", seconds.plan);
  report.add_seconds("write", write_seconds);

  const auto converged = std::count(all.status.begin(), all.status.end(),
                                    static_cast<std::int32_t>(kernels::Status::converged));
  double iterations = 0;
  for (const auto count : all.iterations) iterations += count;
  const double max_error = largest(problems, [&](std::size_t k) { return all.marginal_error[k]; });
  const double max_gap = largest(problems, [&](std::size_t k) {
    const double gap = all.upper_bound[k] - all.lower_bound[k];
    return gap <= 0 ? 0 : gap / std::abs(all.upper_bound[k]);
  });
  const double per_second = static_cast<double>(problems) / elapsed;
  auto& figures = report.figures();
  figures["solution"] = (context.output / "solution.h5").string();
  figures["population"] = path.string();
  figures["instances"] = problems;
  figures["instances_per_second"] = per_second;
  // Of the slowest rank; waiting, for columns of other ranks, is part of iterate, certify and plan.
  figures["solve_seconds"] = {{"start", 0.0},
                              {"iterate", slowest[0]},
                              {"certify", slowest[1]},
                              {"plan", slowest[2]},
                              {"waiting", slowest[3]}};
  figures["converged"] = converged;
  figures["failed"] = problems - converged;
  figures["mean_iterations"] = problems > 0 ? iterations / static_cast<double>(problems) : 0.0;
  figures["method"] = {{"chosen", "sinkhorn"},
                       {"reason", "every measure has points of its own"},
                       {"newton", 0},
                       {"sinkhorn", problems}};
  figures["shard"] = {{"chosen", "rows"}, {"reason", shard.reason}};
  figures["replaced_starts"] = 0;
  figures["max_marginal_error"] = finite_or_null(max_error);
  figures["max_relative_gap"] = finite_or_null(max_gap);
  report.write(context.output);
  if (context.prints())
    std::cout << fmt::format(
        "{}: {} problems, {} converged, {:.1f} iterations on average, largest marginal error "
        "{:.2e}, {:.2g} problems/s\n",
        (context.output / "solution.h5").string(), problems, converged,
        figures["mean_iterations"].get<double>(), max_error, per_second);
}

}  // namespace otfleet

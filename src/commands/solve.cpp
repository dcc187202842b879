#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <iostream>
#include <utility>

#include "src/commands/commands.hpp"
#include "src/commands/solve_run.hpp"
#include "src/commands/solve_task.hpp"
#include "src/reports/report.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

/// What every run reports.
void report_run(Report& report, const SolveTask& task, const SolveRun& run) {
  // Of the slowest rank; reading, writing and waiting are not in the parts.
  const std::pair<const char*, double> parts[] = {{"start", run.parts.start},
                                                  {"iterate", run.parts.iterate},
                                                  {"certify", run.parts.certify},
                                                  {"plan", run.parts.plan}};
  report.add_seconds("solve", run.seconds - run.write_seconds);
  report.add_seconds("write", run.write_seconds);
  auto& figures = report.figures();
  for (const auto& [part, seconds] : parts) {
    report.add_seconds(part, seconds);
    figures["solve_seconds"][part] = seconds;
  }
  figures["population"] = task.population_file.string();
  figures["instances"] = task.layout.problems;
  figures["solved_before"] = run.solved_before;
  figures["instances_per_second"] = run.per_second();
  figures["method"] = {{"chosen", task.method}, {"reason", task.reason}};
  figures["balance"] = {{"busy_seconds", run.busy_seconds},
                        {"longest_busy_seconds", run.longest_busy_seconds},
                        {"imbalance", run.imbalance()},
                        {"taken_over", run.taken_over}};
}

/// What is known once every problem of the population is solved.
void report_solution(nlohmann::json& figures, const SolveTally& tally, std::int64_t problems,
                     bool balanced) {
  figures["converged"] = tally.converged;
  figures["failed"] = problems - tally.converged;
  figures["mean_iterations"] =
      problems > 0 ? static_cast<double>(tally.iterations) / static_cast<double>(problems) : 0.0;
  if (balanced) {
    figures["method"]["newton"] = tally.counts.newton;
    figures["method"]["sinkhorn"] = problems - tally.counts.newton;
  }
  figures["replaced_starts"] = tally.counts.replaced_starts;
  figures[balanced ? "max_marginal_error" : "max_residual"] = finite_or_null(tally.max_error);
  figures["max_relative_gap"] = finite_or_null(tally.max_gap);
}

}  // namespace

void run_solve(const CommandContext& context) {
  Report report("solve", context.job, context.communicator);
  const SolveTask task = make_solve_task(context, report);
  if (context.prints()) spdlog::info("{}: {}", task.method, task.reason);
  const std::int64_t problems = task.layout.problems;
  auto& figures = report.figures();
  if (context.share) {
    const auto [index, count] = *context.share;
    const SolveRun run =
        solve_population(context, task, distributed::block_shard(problems, index, count));
    report_run(report, task, run);
    figures["share"] = {{"index", index}, {"count", count}, {"instances", run.wanted}};
    report.write(context.output, fmt::format("report-share-{}-of-{}.json", index, count));
    if (context.prints())
      std::cout << fmt::format("{}: share {} of {}, {} problems, {:.0f} problems/s\n",
                               (context.output / "solution.parts").string(), index, count,
                               run.wanted, run.per_second());
    return;
  }
  const SolveRun run = solve_population(context, task, {0, problems});
  const bool balanced = context.job.problem.balanced();
  const auto solution = context.output / "solution.h5";
  report_run(report, task, run);
  report_solution(figures, run.tally, problems, balanced);
  figures["solution"] = solution.string();
  report.write(context.output);
  if (context.prints())
    std::cout << fmt::format(
        "{}: {} problems, {} converged, {:.1f} iterations on average, largest {} {:.2e}, "
        "{:.0f} problems/s\n",
        solution.string(), problems, run.tally.converged, figures["mean_iterations"].get<double>(),
        balanced ? "marginal error" : "residual", run.tally.max_error, run.per_second());
}

}  // namespace otfleet

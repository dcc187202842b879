#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <utility>

#include "src/commands/commands.hpp"
#include "src/families/neural_dual/map_task.hpp"
#include "src/interruption.hpp"
#include "src/reports/report.hpp"
#include "src/runs/output_files.hpp"
#include "src/runs/shard_choice.hpp"
#include "src/runs/solution_csv.hpp"
#include "src/runs/solve_rows.hpp"
#include "src/runs/solve_run.hpp"
#include "src/runs/solve_task.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// What every run reports.
void report_run(Report& report, const SolveSubject& subject, const SolveRun& run) {
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
  figures["population"] = subject.population_file.string();
  figures["instances"] = subject.layout.problems;
  figures["solved_before"] = run.solved_before;
  figures["instances_per_second"] = run.per_second();
  figures["method"] = {{"chosen", subject.method}, {"reason", subject.reason}};
  figures["balance"] = {{"busy_seconds", run.busy_seconds},
                        {"longest_busy_seconds", run.longest_busy_seconds},
                        {"imbalance", run.imbalance()},
                        {"taken_over", run.taken_over}};
}

/// What is known once every problem of the population is solved.
void report_solution(nlohmann::json& figures, const SolveTally& tally, std::int64_t problems,
                     SolutionContents::Kind kind) {
  const bool balanced = kind == SolutionContents::Kind::balanced;
  figures["converged"] = tally.statuses.converged();
  figures["failed"] = problems - tally.statuses.converged();
  figures["not_finite"] = tally.not_finite;
  figures["mean_iterations"] =
      problems > 0 ? static_cast<double>(tally.iterations) / static_cast<double>(problems) : 0.0;
  if (balanced) {
    figures["method"]["newton"] = tally.counts.newton;
    figures["method"]["sinkhorn"] = problems - tally.counts.newton;
  }
  figures[balanced ? "max_marginal_error" : "max_residual"] = tally.max_error;
  if (kind == SolutionContents::Kind::mapped_points) return;
  figures["replaced_starts"] = tally.counts.replaced_starts;
  figures["max_relative_gap"] = tally.max_gap;
}

/// Warns of problems without convergence, or throws NotConverged. All is written by then.
void report_statuses(const CommandContext& context, const SolveTally& tally) {
  const Job& job = context.job;
  report_convergence(job.seeks_potentials() ? map_complaint(tally.statuses, job)
                                            : convergence_complaint(tally.statuses, job),
                     context.strict);
}

/// "2.31e-05", or how many are not finite besides.
std::string largest(const SolveTally& tally) {
  std::string text = fmt::format("{:.2e}", tally.max_error);
  if (tally.not_finite > 0) text += fmt::format(" ({} not finite)", tally.not_finite);
  return text;
}

/// One of several runs that share a population.
void solve_share(const CommandContext& context, Report& report, const SolveTask& task) {
  const auto [index, count] = *context.share;
  const SolveRun run =
      solve_population(context, task, distributed::block_shard(task.layout.problems, index, count));
  report_run(report, task, run);
  report.figures()["share"] = {{"index", index}, {"count", count}, {"instances", run.wanted}};
  report.write(context.output, share_report_name(*context.share));
  if (context.prints())
    std::cout << fmt::format("{}: share {} of {}, {} problems, {:.0f} problems/s\n",
                             (context.output / "solution.parts").string(), index, count, run.wanted,
                             run.per_second());
  report_statuses(context, run.tally);
}

}  // namespace

void run_solve(const CommandContext& context) {
  if (context.communicator.is_root())
    set_last_words(
        "otfleet: solve: asked to end; what was saved by then is kept; run it again to go on");
  Report report("solve", context.job, context.communicator);
  auto& figures = report.figures();
  const bool maps_points = context.job.seeks_potentials();
  const ShardChoice shard = maps_points ? ShardChoice{false, "every rank takes points of its own"}
                                        : choose_shard(context);
  figures["shard"] = {{"chosen", shard.rows ? "rows" : "problems"}, {"reason", shard.reason}};
  SolveRun run;
  std::int64_t problems = 0;
  if (shard.rows) {
    if (context.prints()) spdlog::info("row by row: {}", shard.reason);
    const RowsRun rows = solve_rows(context, report);
    report_run(report, rows.subject, rows.run);
    figures["solve_seconds"]["waiting"] = rows.wait_seconds;  // part of iterate, certify and plan
    run = rows.run;
    problems = rows.subject.layout.problems;
  } else {
    const SolveTask task =
        maps_points ? make_map_task(context, report) : make_solve_task(context, report);
    if (context.prints()) spdlog::info("{}: {}", task.method, task.reason);
    problems = task.layout.problems;
    if (context.share) return solve_share(context, report, task);
    run = solve_population(context, task, {0, problems});
    report_run(report, task, run);
  }
  const auto kind = SolutionContents(context.job).kind;
  const auto solution = context.output / "solution.h5";
  report_solution(figures, run.tally, problems, kind);
  if (context.job.solution.csv)
    context.communicator.agree([&] {
      if (context.communicator.is_root())
        write_solution_csv(solution, context.output / "solution.csv");
    });
  figures["solution"] = solution.string();
  report.write(context.output);
  if (context.prints())
    std::cout << fmt::format(
        "{0}: {1} {7}, {2} converged, {3:.1f} iterations on average, largest {4} {5}, "
        "{6:.{8}f} {7}/s\n",
        solution.string(), problems, run.tally.statuses.converged(),
        figures["mean_iterations"].get<double>(),
        kind == SolutionContents::Kind::balanced ? "marginal error" : "residual",
        largest(run.tally), run.per_second(), maps_points ? "points" : "problems",
        run.per_second() < 10 ? 3 : 0);
  report_statuses(context, run.tally);
}

}  // namespace otfleet

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "src/commands/commands.hpp"
#include "src/families/family.hpp"
#include "src/interruption.hpp"
#include "src/reports/distance_matrix.hpp"
#include "src/reports/picture_line.hpp"
#include "src/reports/report.hpp"
#include "src/reports/sizes_text.hpp"
#include "src/reports/solution_picture.hpp"
#include "src/runs/output_files.hpp"
#include "src/runs/solution_csv.hpp"
#include "src/runs/solve_run.hpp"
#include "src/runs/work_units.hpp"

namespace otfleet {
namespace {

/// What every run reports.
void report_run(Report& report, const ProblemSet& problems, const SolveRun& run) {
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
  if (problems.together) figures["solve_seconds"]["waiting"] = run.parts.waiting;
  figures["population"] = problems.file.string();
  figures["instances"] = problems.layout.problems;
  figures["solved_before"] = run.solved_before;
  figures["instances_per_second"] = run.per_second();
  figures["method"] = {{"chosen", problems.method}, {"reason", problems.reason}};
  figures["balance"] = {{"busy_seconds", run.busy_seconds},
                        {"longest_busy_seconds", run.longest_busy_seconds},
                        {"imbalance", run.imbalance()},
                        {"taken_over", run.taken_over}};
}

/// What is known once every problem of the population is solved.
void report_solution(nlohmann::json& figures, const ProblemSet& problems, const SolveTally& tally) {
  const std::int64_t count = problems.layout.problems;
  figures["converged"] = tally.statuses.converged();
  figures["failed"] = count - tally.statuses.converged();
  figures["not_finite"] = tally.not_finite;
  figures["mean_iterations"] =
      count > 0 ? static_cast<double>(tally.iterations) / static_cast<double>(count) : 0.0;
  problems.report(figures, tally);
}

/// "2.31e-05", or how many are not finite besides.
std::string largest(const SolveTally& tally) {
  std::string text = fmt::format("{:.2e}", tally.max_error);
  if (tally.not_finite > 0) text += fmt::format(" ({} not finite)", tally.not_finite);
  return text;
}

/// One of several runs that share a population.
void solve_share(const CommandContext& context, Report& report, ProblemSet& problems) {
  const auto [index, count] = *context.share;
  const SolveRun run =
      solve_problems(context, problems,
                     share_of_problems(problems.layout.problems, problems.sequences, index, count));
  report_run(report, problems, run);
  report.figures()["share"] = {{"index", index}, {"count", count}, {"instances", run.wanted}};
  report.write(context.output, share_report_name(*context.share));
  if (context.prints())
    std::cout << fmt::format(
        "{}: share {} of {}, {}, {:.0f} {}/s\n", (context.output / "solution.parts").string(),
        index, count, counted(run.wanted, problems.items()), run.per_second(), problems.items());
  // All is written by now.
  report_convergence(problems.complaint(run.tally.statuses), context.strict);
}

/// What more is made of a solution of all pairs of one set of measures; the lines that say so.
std::string finish_all_pairs(const CommandContext& context, const std::filesystem::path& population,
                             nlohmann::json& figures) {
  const auto solution = distributed::Hdf5File::open(context.output / "solution.h5");
  std::string lines;
  if (context.job.solution.matrix) {
    if (write_matrix(solution, context.output)) {
      figures["matrix"] = (context.output / matrix_name).string();
      lines += fmt::format("matrix: {} and {}\n", (context.output / matrix_name).string(),
                           npy_matrix_name);
    } else {
      spdlog::warn(
          "solution.matrix: the problems are not all pairs of one set of measures; with make.pairs "
          "= \"all\" they are");
    }
  }
  if (const auto accuracy = neighbor_accuracy(solution, population)) {
    figures["nearest_neighbor"] = {{"transport", accuracy->transport},
                                   {"euclidean", accuracy->euclidean}};
    lines += fmt::format(
        "the nearest neighbor by transport has the same label for {:.1f} % of {} measures; by "
        "Euclidean distance for {:.1f} %\n",
        100 * accuracy->transport, accuracy->measures, 100 * accuracy->euclidean);
  }
  return lines;
}

/// What the picture shows, before the line that says where it is.
std::string drawn_line(const DrawnPicture& picture) {
  if (picture.file.empty()) return {};
  std::string shows = picture.shows;
  shows[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(shows[0])));
  return "drawn: " + shows + "\n";
}

/// Makes what the job asks for of a complete solution, and reports. Collective.
void finish_solve(const CommandContext& context, Report& report, const ProblemSet& problems,
                  const SolveRun& run) {
  auto& figures = report.figures();
  report_run(report, problems, run);
  report_solution(figures, problems, run.tally);
  const auto solution = context.output / "solution.h5";
  if (context.job.solution.csv)
    context.communicator.agree([&] {
      if (context.communicator.is_root())
        write_solution_csv(solution, context.output / "solution.csv");
    });
  figures["solution"] = solution.string();
  std::string of_all_pairs;
  context.communicator.agree([&] {
    if (context.communicator.is_root())
      of_all_pairs = finish_all_pairs(context, problems.file, figures);
  });
  DrawnPicture picture;
  if (context.communicator.is_root()) {
    const PhaseTimer timer(report, "draw");
    picture = draw_solution_picture(context, solution, problems.file);
    if (!picture.file.empty()) {
      figures["picture"] = picture.file.string();
      figures["picture_shows"] = picture.shows;
    }
  }
  report.write(context.output);
  if (context.prints())
    std::cout << fmt::format(
                     "{0}: {1}, {2} converged, {3:.1f} iterations on average, largest {4} {5}, "
                     "{6:.{8}f} {7}/s\n",
                     solution.string(), counted(problems.layout.problems, problems.items()),
                     run.tally.statuses.converged(), figures["mean_iterations"].get<double>(),
                     problems.error_name(), largest(run.tally), run.per_second(), problems.items(),
                     run.per_second() < 10 ? 3 : 0)
              << of_all_pairs << drawn_line(picture) << picture_line(picture.file);
}

}  // namespace

void run_solve(const CommandContext& context) {
  if (context.communicator.is_root())
    set_last_words(
        "otfleet: solve: asked to end; what was saved by then is kept; run it again to go on");
  Report report("solve", context.job, context.communicator);
  const auto problems = family_of(context.job).open(context, report);
  report.figures()["shard"] = {{"chosen", problems->together ? "rows" : "problems"},
                               {"reason", problems->shard_reason}};
  if (context.prints())
    spdlog::info("{}: {}", problems->together ? "row by row" : problems->method,
                 problems->together ? problems->shard_reason : problems->reason);
  if (context.share) return solve_share(context, report, *problems);
  const SolveRun run =
      solve_problems(context, *problems, {0, problems->layout.problems},
                     [&](const SolveRun& done) { finish_solve(context, report, *problems, done); });
  report_convergence(problems->complaint(run.tally.statuses), context.strict);
}

}  // namespace otfleet

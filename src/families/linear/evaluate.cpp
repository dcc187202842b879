#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/linear/linear_family.hpp"
#include "src/families/linear/methods/list.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/populations/job_population.hpp"
#include "src/populations/population_view.hpp"
#include "src/refusals.hpp"
#include "src/reports/evaluation_table.hpp"
#include "src/reports/interpolation.hpp"
#include "src/reports/picture_line.hpp"
#include "src/reports/plots.hpp"
#include "src/reports/progress.hpp"
#include "src/reports/report.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"
#include "src/runs/work_units.hpp"
#include "src/trainers/model_start.hpp"

namespace otfleet {
namespace {

using distributed::Reduction;
using distributed::Shard;

/// Every timing is the median of this many runs, after one that is not counted.
constexpr int repetitions = 5;

/// What one comparison needs.
struct Comparison {
  const CommandContext& context;
  const std::filesystem::path& file;
  PopulationView population;
  const PopulationSolver& solver;
  const StartModel* model;
  double fine_tune_seconds;
  Shard shard;
  bool plain_sinkhorn;  ///< is it quick enough to count plain Sinkhorn's iterations, too?
};

double percentile(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
}

/// Over all ranks; known on rank 0. Collective.
IterationSummary summarize(const distributed::Communicator& communicator,
                           const std::vector<std::int32_t>& iterations) {
  const std::vector<std::int64_t> wide(iterations.begin(), iterations.end());
  std::vector<std::int64_t> all = communicator.gather(std::span<const std::int64_t>(wide));
  if (all.empty()) return {};
  std::sort(all.begin(), all.end());
  double sum = 0;
  for (const auto count : all) sum += static_cast<double>(count);
  return {sum / static_cast<double>(all.size()), percentile(all, 0.5), percentile(all, 0.9),
          percentile(all, 0.99)};
}

/// What one run of one start over the problems took.
struct Run {
  double seconds = 0, start_seconds = 0;  ///< of the slowest rank
  std::vector<std::int32_t> iterations;   ///< of this rank
  StatusCounts statuses;                  ///< of this rank
  SolveCounts counts;                     ///< of this rank
};

/// Collective.
Run run_start(const Comparison& c, const SolverOptions& settings) {
  const auto& communicator = c.context.communicator;
  const bool predicts = initializer_named(settings.initializer).needs_model();
  Run run;
  SolveSeconds seconds;
  communicator.barrier();
  communicator.agree([&] {
    std::unique_ptr<StartPredictor> predictor;
    if (predicts) predictor = c.solver.make_predictor(*c.model);
    run.iterations = with_population_named(c.file, c.context.job.problem.epsilon, [&] {
      return c.solver.count_iterations(c.shard, settings, predictor.get(), seconds, run.statuses,
                                       run.counts);
    });
  });
  if (predicts) seconds.start += c.fine_tune_seconds;
  run.seconds = communicator.all_reduce(seconds.start + seconds.iterate, Reduction::max);
  run.start_seconds = communicator.all_reduce(seconds.start, Reduction::max);
  return run;
}

/// One start at one threshold from its runs, sorted by time. Collective.
EvaluationRow make_row(const Comparison& c, SolverOptions settings, const std::vector<Run>& runs) {
  const auto& communicator = c.context.communicator;
  const Run& run = runs[runs.size() / 2];
  EvaluationRow row;
  row.initializer = settings.initializer;
  row.threshold = settings.threshold;
  const auto problems = static_cast<double>(c.population.problems());
  row.milliseconds = 1e3 * run.seconds / problems;
  row.predict_milliseconds = 1e3 * run.start_seconds / problems;
  row.statuses = run.statuses;
  row.statuses.reduce(communicator);
  row.converged = row.statuses.converged();
  row.newton = communicator.all_reduce(run.counts.newton, Reduction::sum);
  row.replaced_starts = communicator.all_reduce(run.counts.replaced_starts, Reduction::sum);
  const MethodChoice choice = c.solver.choose(settings);
  row.method = choice.name();
  row.reason = choice.reason;
  row.solver_iterations = summarize(communicator, run.iterations);
  row.iterations = row.solver_iterations;
  if (c.plain_sinkhorn && choice.stages.front().method->iterates_sinkhorn() &&
      settings.acceleration != Acceleration::none) {
    settings.method = methods::sinkhorn().name();
    settings.acceleration = Acceleration::none;
    settings.doubtful_error = INFINITY;
    row.iterations = summarize(communicator, run_start(c, settings).iterations);
  }
  return row;
}

/// All starts at one threshold. They take turns, so that a machine that slows down slows them all.
/// Collective.
std::vector<EvaluationRow> compare_starts(const Comparison& c,
                                          const std::vector<std::string>& starts, double threshold,
                                          const std::function<void()>& advance) {
  SolverOptions settings = c.context.job.solver;
  settings.threshold = threshold;
  std::vector<std::vector<Run>> runs(starts.size());
  for (int turn = -1; turn < repetitions; ++turn)
    for (std::size_t k = 0; k < starts.size(); ++k) {
      settings.initializer = starts[k];
      Run run = run_start(c, settings);
      if (turn >= 0) runs[k].push_back(std::move(run));
      advance();
    }
  std::vector<EvaluationRow> rows;
  for (std::size_t k = 0; k < starts.size(); ++k) {
    std::sort(runs[k].begin(), runs[k].end(),
              [](const Run& x, const Run& y) { return x.seconds < y.seconds; });
    settings.initializer = starts[k];
    rows.push_back(make_row(c, settings, runs[k]));
  }
  return rows;
}

/// The starts to compare, in the order of the job or of all_initializers(); the model only where
/// there is one, unless the job asks for it by name.
std::vector<std::string> choose_starts(const Job& job, const PopulationSolver& solver,
                                       const std::string& file, bool has_model) {
  const auto& asked = job.evaluate.initializers;
  if (!asked.names.empty()) {
    for (const auto& name : asked.names)
      if (const auto complaint = solver.complaint(name); !complaint.empty())
        throw UserError(fmt::format("evaluate.initializers: '{}' {} ({})", name, complaint, file));
    return asked.names;
  }
  std::vector<std::string> starts;
  for (const auto* one : all_initializers())
    if ((asked.all || one->compared_by_default()) && solver.complaint(one->name()).empty() &&
        (!one->needs_model() || has_model))
      starts.emplace_back(one->name());
  return starts;
}

/// Mean marginal error after 0, 1, … iterations. Collective.
std::vector<double> error_curve(const Comparison& c, const std::string& initializer) {
  std::vector<double> sums;
  c.context.communicator.agree([&] {
    std::unique_ptr<StartPredictor> predictor;
    if (initializer_named(initializer).needs_model()) predictor = c.solver.make_predictor(*c.model);
    SolverOptions settings = c.context.job.solver;
    settings.initializer = initializer;
    settings.acceleration = Acceleration::none;
    settings.doubtful_error = INFINITY;
    sums = with_population_named(c.file, c.context.job.problem.epsilon, [&] {
      return c.solver.error_sums(c.shard, settings, predictor.get(),
                                 c.context.job.evaluate.trace_iterations + 1);
    });
  });
  c.context.communicator.all_reduce(std::span<double>(sums), Reduction::sum);
  for (double& sum : sums) sum /= static_cast<double>(c.population.problems());
  return sums;
}

/// What is to be said of the start and threshold at which most problems did not converge.
std::string worst_complaint(const std::vector<EvaluationRow>& rows, Job job) {
  const auto worst =
      std::max_element(rows.begin(), rows.end(), [](const auto& one, const auto& other) {
        return one.statuses.failed() < other.statuses.failed();
      });
  if (worst == rows.end() || worst->statuses.failed() == 0) return {};
  job.solver.threshold = worst->threshold;
  job.solver.initializer = worst->initializer;
  return fmt::format("from start '{}' to threshold {:g} {}", worst->initializer, worst->threshold,
                     convergence_complaint(worst->statuses, job));
}

/// Plans of the first problems, as predicted and solved, in turn. Local to rank 0.
void draw_plans(const Comparison& c) {
  const Population* population = c.population.shared_points();
  if (c.model == nullptr || population == nullptr) return;
  const Geometry& geometry = population->geometry;
  if (geometry.kind != Geometry::Kind::grid || geometry.axes.size() != 2) return;
  const Shard few{0, std::min(c.context.job.evaluate.pictures, c.population.problems())};
  if (few.size() == 0) return;
  const auto predictor = c.solver.make_predictor(*c.model);
  SolverOptions settings = c.context.job.solver;
  settings.initializer = "model";
  settings.doubtful_error = INFINITY;  // the prediction itself, whatever it is worth
  std::vector<PictureRow> rows;
  SolveSeconds ignored;
  for (std::int64_t k = 0; k < few.size(); ++k)
    for (const bool solved : {false, true}) {
      settings.max_iterations = solved ? c.context.job.solver.max_iterations : 0;
      const Solutions one = c.solver.solve({k, k + 1}, settings, predictor.get(), {}, ignored);
      rows.push_back({one.f, one.g});
    }
  draw_interpolations(c.context.output / "interpolation.png", geometry,
                      c.context.job.problem.epsilon, rows);
}

}  // namespace

void evaluate_starts(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  AnyPopulation read;
  const auto view = [&] { return view_any(read); };
  std::filesystem::path population_file;
  std::optional<PopulationSolver> solver;
  std::vector<std::string> starts;
  const bool root_has_model =
      communicator.is_root() && can_find_input(context, job.files.checkpoint, "train", "model.h5");
  const bool has_model = communicator.all_reduce(std::int64_t{root_has_model}, Reduction::max) > 0;
  const int neighbors = communicator.ranks_on_machine();
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      population_file = find_input(context, job.files.test_population, "files.test_population",
                                   "make", "test.h5");
      require_balanced(job, "evaluate");
      require_solve_memory(population_file, job, neighbors);
      with_population_named(population_file, job.problem.epsilon, [&] {
        if (holds_clouds(population_file)) check_clouds_fit(job, population_file);
        read = read_any_job_population(job, population_file);
        if (view().problems() == 0)
          throw UserError(population_file.string() + ": holds no problems");
        solver.emplace(view(), job.problem.epsilon);
      });
      solver->check_feasible(population_file.string(), communicator.rank(), communicator.size());
      starts = choose_starts(job, *solver, population_file.string(), has_model);
    });
  }
  const bool some_are_named = !job.evaluate.initializers.names.empty();
  if (!has_model && !some_are_named && context.prints())
    spdlog::info(
        "no model is compared: none is found; otfleet train makes one, files.checkpoint names one");
  const PopulationView population = view();
  // Whole sequences where a start needs them; all starts have the same problems.
  std::vector<std::int64_t> sequences;
  for (const auto& start : starts) {
    SolverOptions settings = job.solver;
    settings.initializer = start;
    if (sequences.empty()) sequences = solver->sequences(settings);
  }
  const Shard shard =
      share_of_problems(population.problems(), sequences, communicator.rank(), communicator.size());
  double fine_tune_seconds = 0;
  std::unique_ptr<StartModel> model;
  if (std::find(starts.begin(), starts.end(), "model") != starts.end()) {
    LoadedModel start = load_model(context, population, shard, report);
    fine_tune_seconds = start.fine_tune_seconds;
    model = std::move(start.model);
  }
  const auto kind = population.geometry().kind;
  const bool stored = kind == GeometryKind::grid || kind == GeometryKind::dense;
  const Comparison comparison{context,     population_file,   population, *solver,
                              model.get(), fine_tune_seconds, shard,      stored};

  std::vector<Curve> curves;
  {
    const PhaseTimer timer(report, "trace");
    for (const auto& start : starts) {
      Curve curve{start, {}, error_curve(comparison, start)};
      for (std::size_t t = 0; t < curve.y.size(); ++t) curve.x.push_back(static_cast<double>(t));
      curves.push_back(std::move(curve));
    }
  }
  std::vector<EvaluationRow> rows;
  {
    const PhaseTimer timer(report, "compare");
    Progress progress("evaluate", "runs",
                      static_cast<std::int64_t>(job.evaluate.thresholds.size() * starts.size()) *
                          (repetitions + 1),
                      context.prints());
    std::int64_t done = 0;
    for (const double threshold : job.evaluate.thresholds) {
      auto some = compare_starts(comparison, starts, threshold, [&] { progress.update(++done); });
      for (std::size_t k = 0; k < starts.size(); ++k) {
        some[k].initial_error = curves[k].y.front();
        rows.push_back(std::move(some[k]));
      }
    }
  }
  std::filesystem::path picture;
  {
    const PhaseTimer timer(report, "draw");
    communicator.agree([&] {
      if (!communicator.is_root()) return;
      picture = plot_error_curves(context.output, curves,
                                  fmt::format("{} held-out problems, epsilon = {:g}",
                                              population.problems(), job.problem.epsilon));
      draw_plans(comparison);
    });
  }
  auto& figures = report.figures();
  figures["population"] = population_file.string();
  figures["problems"] = population.problems();
  if (!picture.empty()) figures["picture"] = picture.string();
  figures["thresholds"] = thresholds_json(rows);
  for (const Curve& curve : curves) figures["error_curves"][curve.name] = curve.y;
  report.write(context.output);
  if (context.prints())
    std::cout << evaluation_table(rows, population.problems(), job, communicator.size())
              << "Pictures and report.json: " << context.output.string() << "\n"
              << picture_line(picture);
  report_convergence(worst_complaint(rows, job), context.strict);
}

}  // namespace otfleet

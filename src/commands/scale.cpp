#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "src/commands/commands.hpp"
#include "src/families/family.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/interruption.hpp"
#include "src/populations/job_population.hpp"
#include "src/populations/population_view.hpp"
#include "src/refusals.hpp"
#include "src/reports/picture_line.hpp"
#include "src/reports/report.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_run.hpp"
#include "src/runs/stop_watch.hpp"
#include "src/scaling/cost_model.hpp"
#include "src/scaling/scaling_study.hpp"
#include "src/trainers/meta_trainer.hpp"
#include "src/trainers/model_start.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Reduction;
using distributed::Shard;

double mean_over(const Communicator& communicator, double value) {
  return communicator.all_reduce(value, Reduction::sum) / communicator.size();
}

/// The ranks that a study runs on: ascending, from 1 to all there are.
std::vector<int> rank_counts(const Job& job, int most) {
  std::vector<int> counts;
  for (const std::int64_t count : job.scale.ranks) {
    if (count > most)
      throw UserError(
          fmt::format("scale.ranks = {}: this run has {} rank(s); start it with at least as many",
                      count, most));
    counts.push_back(static_cast<int>(count));
  }
  if (counts.empty()) {
    for (int count = 1; count < most; count *= 2) counts.push_back(count);
    counts.push_back(most);
  }
  counts.push_back(1);  // what efficiency is measured against
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

/// Runs `work` on the first ranks only; the others sleep meanwhile. Collective over all.
void on_first_ranks(const Communicator& world, int ranks,
                    const std::function<void(const Communicator&)>& work) {
  std::exception_ptr failure;
  {
    const std::optional<Communicator> some = world.first_ranks(ranks);
    if (some) {
      try {
        work(*some);
      } catch (...) {
        failure = std::current_exception();
      }
    }
    // The others of `some` may wait for this rank in a sum, if the failure is its own.
    constexpr double patience = 10;  // seconds
    if (!failure)
      world.quiet_barrier();
    else if (!world.quiet_barrier(patience))
      std::rethrow_exception(failure);
  }
  bool asked_to_end = interruption_requested();
  world.agree([&] {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const Interrupted&) {
      asked_to_end = true;
    }
  });
  if (world.all_reduce(std::int64_t{asked_to_end}, Reduction::max) > 0)
    throw Interrupted("scale: asked to end before all runs were made; run it again");
}

/// Solves `problems` of the test population, files included. Collective.
ScalingRun solve_once(const CommandContext& context, std::int64_t problems) {
  const auto& communicator = context.communicator;
  Report unused("scale", context.job, communicator);
  const auto task = family_of(context.job).open(context, unused);
  const SolveRun run = solve_problems(context, *task, {0, problems});
  RunParts parts;
  parts.serial = run.setup_seconds;
  parts.compute = run.busy_seconds;
  parts.io = run.write_seconds;
  parts.waiting =
      std::max(0.0, run.seconds - run.setup_seconds - run.busy_seconds - run.write_seconds);
  return {communicator.size(), static_cast<double>(problems), parts,
          communicator.shares_processors()};
}

/// Trains a new model for some steps. Collective.
ScalingRun train_once(const CommandContext& context, const PopulationView& population,
                      std::int64_t batch) {
  constexpr int steps_before = 5;  // memory is touched, LibTorch has made up its mind
  const auto& communicator = context.communicator;
  const Job& job = context.job;
  const auto model = fresh_model(job, population);
  MetaTrainerSettings settings = trainer_settings(job);
  settings.batch = batch;
  MetaTrainer trainer(settings, communicator,
                      training_samples(population, job.problem.epsilon, {0, population.problems()},
                                       job.seed, job.train.augment, *model),
                      *model);
  for (int step = 0; step < steps_before; ++step) trainer.step(1);
  trainer.figures();  // waits
  const TrainingSeconds before = trainer.seconds();
  communicator.barrier();
  const auto begin = WallClock::now();
  for (std::int64_t step = 0; step < job.scale.steps; ++step) trainer.step(1);
  trainer.figures();
  const double seconds = communicator.all_reduce(seconds_since(begin), Reduction::max);
  const TrainingSeconds after = trainer.seconds();
  const double averaging = after.averaging - before.averaging;
  RunParts parts;
  parts.serial = mean_over(communicator, after.update - before.update);
  // Who waits least for the others is the slowest: the rest is what sums take.
  parts.communication = communicator.all_reduce(averaging, Reduction::min);
  parts.waiting = mean_over(communicator, averaging) - parts.communication;
  parts.compute = seconds - parts.serial - parts.communication - parts.waiting;
  return {communicator.size(), static_cast<double>(batch * job.scale.steps), parts,
          communicator.shares_processors()};
}

/// Collective.
ReductionTiming time_sums(const Communicator& communicator, std::size_t values) {
  std::vector<float> data(values, 1.0f);
  double fastest = INFINITY;
  constexpr int tries = 5, sums = 10;
  for (int trial = 0; trial < tries; ++trial) {
    communicator.barrier();
    const auto begin = WallClock::now();
    for (int k = 0; k < sums; ++k) communicator.all_reduce(std::span<float>(data), Reduction::sum);
    fastest =
        std::min(fastest, communicator.all_reduce(seconds_since(begin), Reduction::max) / sums);
  }
  return {communicator.size(), static_cast<double>(values * sizeof(float)), fastest};
}

ScalingRun median_run(std::vector<ScalingRun> runs) {
  std::sort(runs.begin(), runs.end(),
            [](const auto& a, const auto& b) { return a.seconds() < b.seconds(); });
  return runs[runs.size() / 2];
}

/// Every rank count, the whole of `items` and an equal part of them for every rank; the last of
/// both is one run. `once` makes a run on so many items.
CommandScaling study_command(
    const CommandContext& context, const std::vector<int>& counts, const std::string& command,
    std::int64_t items,
    const std::function<ScalingRun(const CommandContext&, std::int64_t items)>& once) {
  const auto& world = context.communicator;
  const std::int64_t each = std::max<std::int64_t>(items / counts.back(), 1);
  CommandScaling scaling;
  scaling.command = command;
  struct Point {
    int ranks;
    std::int64_t items;
    std::vector<ScalingRun> runs{};
  };
  std::vector<Point> points;  // strong, weak, strong, …
  for (const int ranks : counts) {
    points.push_back({ranks, items});
    points.push_back({ranks, ranks * each});
  }
  const auto run_once = [&](Point& point) {
    if (context.prints())
      spdlog::info("{}: {} problems on {} rank(s)", command, point.items, point.ranks);
    on_first_ranks(world, point.ranks, [&](const Communicator& communicator) {
      const auto folder = context.output / ".otfleet-scale-run";  // a name of ours alone
      communicator.agree([&] {
        if (!communicator.is_root()) return;
        std::filesystem::remove_all(folder);
        std::filesystem::create_directory(folder);
      });
      point.runs.push_back(once({context.job, communicator, folder, true, {}}, point.items));
      communicator.agree([&] {
        if (communicator.is_root()) std::filesystem::remove_all(folder);
      });
    });
  };
  // Taking turns, so that a machine that slows down slows them all.
  for (std::int64_t k = 0; k < context.job.scale.repetitions; ++k)
    for (std::size_t at = 0; at < points.size(); ++at)
      if (at % 2 == 0 || points[at].items != items) run_once(points[at]);
  if (!world.is_root()) return scaling;
  for (std::size_t at = 0; at < points.size(); at += 2) {
    scaling.strong.push_back(median_run(points[at].runs));
    scaling.weak.push_back(points[at + 1].items == items ? scaling.strong.back()
                                                         : median_run(points[at + 1].runs));
  }
  return scaling;
}

std::vector<ScalingRun> all_runs(const CommandScaling& scaling) {
  auto runs = scaling.strong;
  runs.insert(runs.end(), scaling.weak.begin(), scaling.weak.end());
  return runs;
}

}  // namespace

void run_scale(const CommandContext& context) {
  const Job& job = context.job;
  const auto& world = context.communicator;
  Report report("scale", job, world);
  std::vector<int> counts;
  world.agree([&] { counts = rank_counts(job, world.size()); });
  std::vector<CommandScaling> studies;
  std::vector<ReductionTiming> sums;
  const auto add_sums = [&](std::size_t values) {
    for (const int ranks : counts)
      if (ranks > 1)
        on_first_ranks(world, ranks, [&](const Communicator& communicator) {
          sums.push_back(time_sums(communicator, values));
        });
  };
  add_sums(1);
  Job resolved = job;  // with the files that are found beside the output folder
  const CommandContext own{resolved, world, context.output,  context.quiet,
                           {},       false, context.job_file};
  if (job.scale.measures(ScaledCommand::solve)) {
    const PhaseTimer timer(report, "solve");
    Report unused("scale", job, world);
    const auto task = family_of(job).open(context, unused);
    resolved.files.test_population = task->file;
    const std::int64_t problems = task->layout.problems;
    world.agree([&] {
      if (initializer_named(job.solver.initializer).needs_model())
        resolved.files.checkpoint =
            find_input(context, job.files.checkpoint, "files.checkpoint", "train", "model.h5");
      if (problems < counts.back())
        throw UserError(fmt::format("{}: {} problems are too few for {} ranks", task->file.string(),
                                    problems, counts.back()));
    });
    studies.push_back(study_command(own, counts, "solve", problems, solve_once));
  }
  if (job.scale.measures(ScaledCommand::train)) {
    const PhaseTimer timer(report, "train");
    AnyPopulation population;
    std::int64_t parameters = 0;
    world.agree([&] {
      require_balanced(job, "scale");
      const auto file = find_input(context, job.files.train_population, "files.train_population",
                                   "make", "train.h5");
      population = read_any_job_population(job, file);
      if (problems_of(population) == 0) throw UserError(file.string() + ": holds no problems");
      if (job.train.batch < counts.back())
        throw UserError(fmt::format("train.batch = {} is too small for {} ranks", job.train.batch,
                                    counts.back()));
      parameters =
          static_cast<std::int64_t>(fresh_model(job, view_any(population))->parameters().extent(0));
    });
    add_sums(static_cast<std::size_t>(parameters));
    auto study = study_command(own, counts, "train", job.train.batch,
                               [&](const CommandContext& some, std::int64_t batch) {
                                 return train_once(some, view_any(population), batch);
                               });
    study.model.large_bytes = 4.0 * static_cast<double>(parameters);
    study.model.large_sums = static_cast<double>(job.scale.steps);
    study.model.small_sums = static_cast<double>(job.scale.steps);
    studies.push_back(std::move(study));
  }
  world.agree([&] {
    if (!world.is_root()) return;
    for (auto& study : studies) {
      fit_network(study.model, sums);
      fit_runs(study.model, all_runs(study));
    }
    write_scaling(context.output, studies, job.scale.predict_ranks, report.figures());
  });
  report.write(context.output);
  if (context.prints())
    std::cout << scaling_table(studies, job.scale.predict_ranks)
              << picture_line(report.figures().value("picture", ""));
}

}  // namespace otfleet

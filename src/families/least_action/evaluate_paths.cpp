#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "kernels/api/paths.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/least_action/least_action_family.hpp"
#include "src/families/least_action/path_ends.hpp"
#include "src/families/least_action/path_predictor.hpp"
#include "src/families/neural_dual/samplers/job_samplers.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Reduction;

/// Mean actions this near, as a share, count as equal.
constexpr double equal_actions = 1e-4;

/// Where paths begin.
struct PathStart {
  const char* name;
  int starts;
  bool predicted;
};

/// One start to one tolerance, over all paths.
struct PathRow {
  const char* start;
  double tolerance;      ///< 0: the prediction as it is
  double action = 0;     ///< mean
  double seconds = 0;    ///< of the slowest rank
  double steps = 0;      ///< mean
  double converged = 0;  ///< share
};

/// The ends of this rank's paths, and what predicts them; null: nothing.
struct PathSubject {
  const CommandContext& context;
  kernels::Lagrangian lagrangian;
  std::string samples;
  std::int64_t dimension = 0, paths = 0;  ///< of all ranks
  std::vector<double> x, y;
  std::unique_ptr<PathPredictor> model;
};

/// `trained`: there is a model.
PathSubject read_subject(const CommandContext& context, bool trained) {
  const Job& job = context.job;
  require_sampled_ends(job, "evaluate");
  PathSubject subject{context, read_lagrangian(job.lagrangian), {}, 0, job.path.draws, {}, {}, {}};
  const auto samplers = make_samplers(job, SampleUse::evaluate);
  subject.samples = samplers.name;
  subject.dimension = samplers.source->dimension();
  const auto mine = distributed::block_shard(subject.paths, context.communicator.rank(),
                                             context.communicator.size());
  subject.x.resize(static_cast<std::size_t>(mine.size() * subject.dimension));
  subject.y.resize(subject.x.size());
  samplers.source->fill(mine.begin, mine.size(), subject.x.data());
  samplers.target->fill(mine.begin, mine.size(), subject.y.data());
  for (const auto* ends : {&subject.x, &subject.y})
    require_points_for(samplers.name, subject.lagrangian, *ends, subject.dimension);
  if (trained) {
    const auto file =
        find_input(context, job.files.checkpoint, "files.checkpoint", "train", "model.h5");
    subject.model = read_path_predictor(
        file, describe_path_predictor(job, subject.lagrangian, subject.dimension));
    if (const auto& trained_on = subject.model->description().samples;
        trained_on != subject.samples)
      spdlog::warn("{} was trained on {}, not on {}", file.string(), trained_on, subject.samples);
  }
  return subject;
}

/// `best` [paths of this rank] becomes the least action that was found. Collective.
PathRow find_paths(PathSubject& subject, const PathStart& start, double tolerance,
                   std::vector<double>& best) {
  const auto& communicator = subject.context.communicator;
  PathRow row{start.name, tolerance};
  double sums[3] = {0, 0, 0};
  communicator.barrier();
  communicator.agree([&] {
    auto settings = subject.context.job.path.settings();
    settings.starts = start.starts;
    settings.lbfgs.gradient_tolerance = tolerance;
    if (tolerance == 0) settings.lbfgs.max_steps = 0;
    kernels::PathSolver solver(subject.lagrangian, static_cast<int>(subject.dimension), settings);
    kernels::PathResult found;
    {
      const StopWatch watch(row.seconds);
      std::vector<double> predicted;
      if (start.predicted) predicted = subject.model->predict(subject.x, subject.y);
      found = solver.solve(subject.x, subject.y, {}, predicted);
    }
    best.resize(found.fine.size(), INFINITY);
    for (std::size_t k = 0; k < found.fine.size(); ++k) {
      best[k] = std::fmin(best[k], found.fine[k]);
      sums[0] += found.fine[k];
      sums[1] += found.steps[k];
      sums[2] += found.status[k] == static_cast<int>(kernels::ConjugateStatus::converged);
    }
  });
  row.seconds = communicator.all_reduce(row.seconds, Reduction::max);
  communicator.all_reduce(std::span<double>(sums), Reduction::sum);
  const auto count = static_cast<double>(subject.paths);
  row.action = sums[0] / count;
  row.steps = sums[1] / count;
  row.converged = sums[2] / count;
  return row;
}

constexpr const char* model_alone = "model alone";

/// The least time in which some starts find paths of that mean action, or as good; negative: they
/// do not.
double seconds_to(const std::vector<PathRow>& rows, const std::vector<std::string>& starts,
                  double action) {
  double least = -1;
  for (const auto& row : rows)
    if (std::find(starts.begin(), starts.end(), row.start) != starts.end() &&
        row.action <= action + equal_actions * std::abs(action) &&
        (least < 0 || row.seconds < least))
      least = row.seconds;
  return least;
}

/// The mean action that a start ends with: to the least tolerance.
double last_action(const std::vector<PathRow>& rows, const std::string& start) {
  const PathRow* last = nullptr;
  for (const auto& row : rows)
    if (row.start == start && (last == nullptr || row.tolerance < last->tolerance)) last = &row;
  return last->action;
}

}  // namespace

void evaluate_paths(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  auto& figures = report.figures();
  std::unique_ptr<PathSubject> subject;
  {
    const PhaseTimer timer(report, "read");
    const std::string found =
        communicator.is_root() && can_find_input(context, job.files.checkpoint, "train", "model.h5")
            ? "model"
            : "";
    const bool trained = !communicator.broadcast(found).empty();
    communicator.agree(
        [&] { subject = std::make_unique<PathSubject>(read_subject(context, trained)); });
  }
  std::vector<PathStart> starts = {{"straight", 1, false}};
  const int bows = static_cast<int>(job.path.starts);
  if (bows > 1) starts.push_back({"straight and bows", bows, false});
  if (subject->model) starts.push_back({"model", 1, true});
  if (subject->model && bows > 1) starts.push_back({"model and others", bows, true});
  std::vector<PathRow> rows;
  std::vector<double> best;
  {
    const PhaseTimer timer(report, "paths");
    // Memory is warm, and libraries are loaded, when the first figure is taken.
    for (const auto& start : starts) find_paths(*subject, start, job.evaluate.thresholds[0], best);
    best.clear();
    if (subject->model) rows.push_back(find_paths(*subject, {model_alone, 1, true}, 0, best));
    for (const double tolerance : job.evaluate.thresholds)
      for (const auto& start : starts) rows.push_back(find_paths(*subject, start, tolerance, best));
  }
  double best_action = 0;
  for (const double action : best) best_action += action;
  best_action =
      communicator.all_reduce(best_action, Reduction::sum) / static_cast<double>(subject->paths);
  const auto milliseconds = [&](double seconds) {
    return 1e3 * seconds / static_cast<double>(subject->paths);
  };
  figures["samples"] = subject->samples;
  figures["lagrangian"] = description_of(subject->lagrangian);
  figures["paths"] = subject->paths;
  figures["best_action"] = best_action;
  std::string text = fmt::format(
      "{}, {}: {} paths, mean action of the best {:.6g}\n{:<18}{:>10}{:>13}{:>10}{:>14}{:>12}\n",
      subject->samples, description_of(subject->lagrangian), subject->paths, best_action, "start",
      "tolerance", "above best", "steps", "ms a path", "converged");
  for (const auto& row : rows) {
    const double excess = (row.action - best_action) / std::abs(best_action);
    figures["rows"].push_back({{"start", row.start},
                               {"tolerance", row.tolerance},
                               {"action", row.action},
                               {"above_best", excess},
                               {"iterations", row.steps},
                               {"milliseconds", milliseconds(row.seconds)},
                               {"converged", row.converged}});
    text += fmt::format("{:<18}{:>10}{:>13.2e}{:>10.1f}{:>14.5f}{:>10.1f} %\n", row.start,
                        row.tolerance > 0 ? fmt::format("{:g}", row.tolerance) : "-", excess,
                        row.steps, milliseconds(row.seconds), 100 * row.converged);
  }
  // What a model has to beat: the time in which each other start comes to where it ends.
  for (const auto& start : starts) {
    if (start.predicted || !subject->model) continue;
    const double action = last_action(rows, start.name),
                 own = seconds_to(rows, {start.name}, action),
                 model = seconds_to(rows, {model_alone, "model"}, action);
    auto& figure = figures["to_action_of"][start.name];
    figure = {{"action", action}, {"milliseconds", milliseconds(own)}};
    text += fmt::format("to the mean action of '{}', {:.6g}, within {:g}: {:.5f} ms a path; ",
                        start.name, action, equal_actions, milliseconds(own));
    if (model < 0) {
      text += "the model does not come there\n";
      continue;
    }
    figure["model_milliseconds"] = milliseconds(model);
    figure["model_share"] = model / own;
    text += fmt::format("with the model {:.5f}, {:.2f} of it\n", milliseconds(model), model / own);
  }
  report.write(context.output);
  if (context.prints()) std::cout << text << "Report: " << context.output.string() << "\n";
}

}  // namespace otfleet

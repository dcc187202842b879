#include "src/trainers/training_run.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cmath>
#include <iostream>
#include <optional>

#include "distributed/error.hpp"
#include "src/interruption.hpp"
#include "src/reports/picture_line.hpp"
#include "src/reports/plots.hpp"
#include "src/reports/progress.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

/// What decides before a step whether it is made, the same on every rank.
struct Now {
  double seconds = 0;         ///< rank 0's
  bool asked_to_end = false;  ///< some rank was
};

Now agree_on_now(const distributed::Communicator& communicator, double seconds, bool asked_to_end) {
  std::array<double, 2> now = {communicator.is_root() ? seconds : 0, asked_to_end ? 1.0 : 0.0};
  communicator.all_reduce(std::span<double>(now), distributed::Reduction::max);
  return {now[0], now[1] > 0};
}

/// How far the run is, in [0, 1], by steps or by the clock, whichever is further.
double progress_of(const TrainOptions& train, std::int64_t step, double seconds) {
  const double by_steps = train.steps > 0 ? static_cast<double>(step) / train.steps : 1;
  const double by_clock = train.minutes > 0 ? seconds / (60 * train.minutes) : 0;
  return std::min(1.0, std::max(by_steps, by_clock));
}

nlohmann::json history_json(const std::vector<double>& history) {
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t at = 0; at < history.size(); at += history_columns)
    rows.push_back({{"step", static_cast<std::int64_t>(history[at])},
                    {"loss", history[at + 1]},
                    {"first_error", history[at + 2]},
                    {"gradient_norm", history[at + 3]},
                    {"learning_rate", history[at + 4]}});
  return rows;
}

/// Seconds are those of a step.
nlohmann::json averaging_json(const std::optional<AveragingFigures>& figures) {
  if (!figures) return {};
  return {{"backend", figures->backend},
          {"buckets", figures->buckets},
          {"bytes", figures->bytes},
          {"sampled_steps", figures->sampled_steps},
          {"seconds", figures->seconds},
          {"wait_seconds", figures->wait_seconds},
          {"exposed_seconds", figures->exposed_seconds},
          {"hidden_share", figures->hidden_share}};
}

}  // namespace

std::string training_identity(const Job& job, nlohmann::json content) {
  const nlohmann::json resolved = job.resolved();
  for (const char* key : {"seed", "model", "problem", "train"}) content[key] = resolved[key];
  for (const char* key :
       {"steps", "minutes", "log_every", "checkpoint_seconds", "keep_checkpoints", "bucket_bytes",
        "anneal_steps"})  // the last counts for bent paths alone, see train_potentials() and
                          // train_paths()
    content["train"].erase(key);
  return content.dump();
}

std::filesystem::path find_unfinished(
    const CommandContext& context, CheckpointSeries& checkpoints,
    const std::function<TrainingState(const std::filesystem::path&)>& read,
    const std::string& identity) {
  std::string newest;
  context.communicator.agree([&] {
    if (context.communicator.is_root()) newest = checkpoints.newest(read, identity);
  });
  return context.communicator.broadcast(newest);
}

void run_training(const CommandContext& context, Report& report, const TrainingRun& run) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  TrainingState& state = run.trainer.state();
  if (state.step > 0) spdlog::info("going on at step {} of an unfinished run", state.step);

  std::int64_t saved_step = state.step, checked_step = state.step;
  std::vector<double> window(history_columns, 0.0);
  std::int64_t window_steps = 0;
  // Adds the figures of the last steps to the window.
  const auto check_steps = [&] {
    const StepFigures figures = run.trainer.figures();
    if (figures.steps == 0) return;
    if (!std::isfinite(figures.loss) || !std::isfinite(figures.gradient_norm))
      throw UserError(fmt::format(
          "training diverged at step {}: loss or gradient are not finite; {}; lower "
          "train.learning_rate",
          checked_step + 1 == state.step ? fmt::format("{}", state.step)
                                         : fmt::format("{} to {}", checked_step + 1, state.step),
          saved_step > 0 ? fmt::format("{} keeps step {}", context.output.string(), saved_step)
                         : "nothing was saved yet"));
    const auto steps = static_cast<double>(figures.steps);
    window[1] += steps * figures.loss;
    window[2] += steps * figures.first_error;
    window[3] += steps * figures.gradient_norm;
    window_steps += figures.steps;
    checked_step = state.step;
  };
  const auto save = [&] {
    check_steps();
    communicator.agree([&] {
      if (communicator.is_root()) run.checkpoints.write(run.model, state);
    });
    saved_step = state.step;
  };
  defer_interruption();
  outlive_closed_streams();
  const double seconds_before = state.seconds;
  const auto begin = WallClock::now();
  double saved = 0;
  double learning_rate = 0;  // of the last step taken
  bool interrupted = false;
  {
    const PhaseTimer timer(report, "train");
    Progress progress("train", "steps", job.train.minutes > 0 ? 0 : job.train.steps,
                      context.prints());
    while (true) {
      const Now now = agree_on_now(communicator, seconds_before + seconds_since(begin),
                                   interruption_requested());
      state.seconds = now.seconds;
      const double done = progress_of(job.train, state.step, state.seconds);
      interrupted = now.asked_to_end && done < 1;
      const bool last = interrupted || done >= 1;
      if (!last) {
        const double rate = rate_at(job.train.schedule, done);
        run.trainer.step(rate);
        learning_rate = job.train.learning_rate * rate;
      }
      const bool logs = last || state.step % job.train.log_every == 0;
      if (logs) check_steps();
      if (logs && window_steps > 0) {
        const double count = static_cast<double>(window_steps);
        state.history.insert(state.history.end(),
                             {static_cast<double>(state.step), window[1] / count, window[2] / count,
                              window[3] / count, learning_rate});
        progress.update(
            state.step,
            fmt::format(
                "loss {:.6g}, {} {:.3g}{}", window[1] / count, run.error_name, window[2] / count,
                job.train.minutes > 0
                    ? fmt::format(", {:.1f} of {:g} min", state.seconds / 60, job.train.minutes)
                    : ""));
        window.assign(history_columns, 0.0);
        window_steps = 0;
      }
      if (last) break;
      if (state.seconds - seconds_before - saved > job.train.checkpoint_seconds) {
        saved = state.seconds - seconds_before;
        save();
      }
    }
  }

  if (interrupted) {
    const PhaseTimer timer(report, "write");
    save();
    throw Interrupted(fmt::format(
        "train: asked to end at step {}; {} holds it, and the same command goes on from there",
        state.step, context.output.string()));
  }

  const auto model_file = context.output / "model.h5";
  std::filesystem::path picture;
  {
    const PhaseTimer timer(report, "write");
    communicator.agree([&] {
      if (!communicator.is_root()) return;
      write_checkpoint(model_file, run.model);
      picture = plot_training(context.output, state.history, run.error_name);
    });
  }
  auto& figures = report.figures();
  const auto last_row =
      state.history.size() >= history_columns
          ? history_json({state.history.end() - history_columns, state.history.end()})[0]
          : nlohmann::json();
  figures["model"] = model_file.string();
  if (!picture.empty()) figures["picture"] = picture.string();
  figures["parameters"] = run.model.parameters().extent(0);
  figures["steps"] = state.step;
  figures["training_seconds"] = state.seconds;
  figures["steps_per_second"] =
      state.seconds > 0 ? static_cast<double>(state.step) / state.seconds : 0.0;
  figures["final"] = last_row;
  figures["history"] = history_json(state.history);
  if (run.add_figures) run.add_figures();
  figures["averaging"] = averaging_json(run.trainer.averaging_figures());
  const TrainingSeconds seconds = run.trainer.seconds();
  report.add_seconds("data", seconds.data);
  report.add_seconds("forward", seconds.forward);
  report.add_seconds("loss", seconds.loss);
  report.add_seconds("solve", seconds.solve);
  report.add_seconds("backward", seconds.backward);
  report.add_seconds("averaging", seconds.averaging);
  report.add_seconds("update", seconds.update);
  report.write(context.output);
  communicator.agree([&] {  // not before: a run that is killed while it reports goes on from them
    if (communicator.is_root()) run.checkpoints.remove();
  });
  if (context.prints())
    std::cout << fmt::format(
                     "{}: {} parameters after {} steps in {:.1f} s{}\n", model_file.string(),
                     run.model.parameters().extent(0), state.step, state.seconds,
                     last_row.is_null()
                         ? ""
                         : fmt::format("; loss {:.6g}, {} {:.3g}", last_row["loss"].get<double>(),
                                       run.error_name, last_row["first_error"].get<double>()))
              << picture_line(picture);
}

}  // namespace otfleet

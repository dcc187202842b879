#include "src/trainers/model_start.hpp"

#include <spdlog/spdlog.h>

#include <optional>

#include "src/models/potential_checkpoint.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/stop_watch.hpp"
#include "src/trainers/fine_tuning.hpp"

namespace otfleet {

StartModel load_model(const CommandContext& context, const Population& population,
                      distributed::Shard shard, Report& report) {
  std::optional<StartModel> start;
  context.communicator.agree([&] {
    const auto file =
        find_input(context, context.job.files.checkpoint, "files.checkpoint", "train", "model.h5");
    start.emplace(StartModel{read_checkpoint(file, describe_model(context.job, population)),
                             read_checksum(file)});
    const double epsilon = start->model.description().epsilon;
    if (epsilon != context.job.problem.epsilon)
      spdlog::warn("{} was trained at epsilon = {:g}, the job's is {:g}: predictions may be worse",
                   file.string(), epsilon, context.job.problem.epsilon);
  });
  if (context.job.fine_tune.steps == 0) return std::move(*start);
  const PhaseTimer timer(report, "fine_tune");
  const auto begin = WallClock::now();
  PotentialModel tuned = fine_tune(start->model, population, shard, context.job);
  return {std::move(tuned), start->checksum, seconds_since(begin)};
}

}  // namespace otfleet

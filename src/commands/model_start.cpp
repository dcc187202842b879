#include "src/commands/model_start.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <optional>

#include "src/commands/input_files.hpp"
#include "src/models/checkpoint.hpp"
#include "src/trainers/fine_tuning.hpp"

namespace otfleet {

PotentialModel load_model(const CommandContext& context, const Population& population,
                          distributed::Shard shard, Report& report, double& fine_tune_seconds) {
  std::optional<PotentialModel> model;
  context.communicator.agree([&] {
    const auto file =
        find_input(context, context.job.files.checkpoint, "files.checkpoint", "train", "model.h5");
    model.emplace(read_checkpoint(file, describe_model(context.job, population)));
    if (model->description().epsilon != context.job.problem.epsilon)
      spdlog::warn("{} was trained at epsilon = {:g}, the job's is {:g}: predictions will be worse",
                   file.string(), model->description().epsilon, context.job.problem.epsilon);
  });
  fine_tune_seconds = 0;
  if (context.job.fine_tune.steps == 0) return std::move(*model);
  const PhaseTimer timer(report, "fine_tune");
  const auto begin = std::chrono::steady_clock::now();
  PotentialModel tuned = fine_tune(*model, population, shard, context.job);
  fine_tune_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return tuned;
}

}  // namespace otfleet

#include "src/trainers/model_start.hpp"

#include <spdlog/spdlog.h>

#include "src/models/cloud_model.hpp"
#include "src/models/potential_checkpoint.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/stop_watch.hpp"
#include "src/trainers/fine_tuning.hpp"

namespace otfleet {

std::unique_ptr<StartModel> fresh_model(const Job& job, const PopulationView& population) {
  if (const auto* clouds = population.clouds())
    return std::make_unique<CloudModel>(describe_cloud_model(job, *clouds), job.seed);
  return std::make_unique<PotentialModel>(describe_model(job, *population.shared_points()),
                                          job.seed);
}

std::unique_ptr<StartModel> read_model(const std::filesystem::path& file, const Job& job,
                                       const PopulationView& population, TrainingState* state) {
  if (const auto* clouds = population.clouds())
    return read_cloud_checkpoint(file, outline_cloud_model(job, *clouds), state);
  return std::make_unique<PotentialModel>(
      read_checkpoint(file, describe_model(job, *population.shared_points()), state));
}

LoadedModel load_model(const CommandContext& context, const PopulationView& population,
                       distributed::Shard shard, Report& report) {
  LoadedModel loaded;
  context.communicator.agree([&] {
    const auto file =
        find_input(context, context.job.files.checkpoint, "files.checkpoint", "train", "model.h5");
    loaded.model = read_model(file, context.job, population);
    loaded.checksum = read_checksum(file);
    const double epsilon = loaded.model->trained_epsilon();
    // That of a relative epsilon differs a little from one population to the next.
    constexpr double noted = 1.1;
    const double ratio = epsilon / context.job.problem.epsilon;
    if (ratio > noted || ratio < 1 / noted)
      spdlog::warn("{} was trained at epsilon = {:g}, the job's is {:g}: predictions may be worse",
                   file.string(), epsilon, context.job.problem.epsilon);
  });
  if (context.job.fine_tune.steps == 0) return loaded;
  const PhaseTimer timer(report, "fine_tune");
  const auto begin = WallClock::now();
  loaded.model = fine_tune(*loaded.model, population, shard, context.job);
  loaded.fine_tune_seconds = seconds_since(begin);
  return loaded;
}

}  // namespace otfleet

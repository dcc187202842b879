#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "src/commands/commands.hpp"
#include "src/commands/input_files.hpp"
#include "src/commands/job_population.hpp"
#include "src/commands/train_potentials.hpp"
#include "src/commands/training_run.hpp"
#include "src/models/potential_checkpoint.hpp"
#include "src/problems/population.hpp"
#include "src/trainers/meta_trainer.hpp"

namespace otfleet {
namespace {

void train_on_population(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  Population population;
  std::optional<PotentialModel> model;
  TrainingState unfinished;
  CheckpointSeries checkpoints(context.output, job.train.keep_checkpoints);
  {
    const PhaseTimer timer(report, "read");
    ModelDescription description;
    communicator.agree([&] {
      const auto file = find_input(context, job.files.train_population, "files.train_population",
                                   "make", "train.h5");
      require_balanced(job, "train");
      population = read_job_population(job, file);
      if (population.problems() == 0) throw UserError(file.string() + ": holds no problems");
      naming(file, [&] { description = describe_model(job, population); });
    });
    nlohmann::json content = {{"geometry", population.geometry.fingerprint()},
                              {"problems", population.problems()}};
    if (job.solver.normalize) content["normalize"] = true;
    unfinished.job = training_identity(job, content);
    const auto newest = find_unfinished(
        context, checkpoints,
        [&](const std::filesystem::path& file) {
          TrainingState state;
          read_checkpoint(file, description, &state);
          return state;
        },
        unfinished.job);
    communicator.agree([&] {
      if (newest.empty())
        model.emplace(description, job.seed);
      else
        model.emplace(read_checkpoint(newest, description, &unfinished));
    });
  }
  const PairSampler sampler(population, {0, population.problems()}, job.seed, job.train.augment);
  MetaTrainer trainer(trainer_settings(job), communicator, population, sampler, *model);
  trainer.go_on(std::move(unfinished));
  run_training(context, report, {*model, trainer, checkpoints, "first error"});
}

}  // namespace

void run_train(const CommandContext& context) {
  Report report("train", context.job, context.communicator);
  if (context.job.seeks_potentials())
    train_potentials(context, report);
  else
    train_on_population(context, report);
}

}  // namespace otfleet

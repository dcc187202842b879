#include <memory>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/least_action/least_action_family.hpp"
#include "src/families/least_action/path_ends.hpp"
#include "src/families/least_action/path_trainer.hpp"
#include "src/families/neural_dual/samplers/job_samplers.hpp"
#include "src/trainers/training_run.hpp"

namespace otfleet {

void train_paths(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  SamplerPair samplers;
  PathTrainerSettings settings;
  std::unique_ptr<PathPredictor> model;
  TrainingState unfinished;
  CheckpointSeries checkpoints(context.output, job.train.keep_checkpoints);
  {
    const PhaseTimer timer(report, "read");
    PathPredictorDescription description;
    communicator.agree([&] {
      require_sampled_ends(job, "train");
      samplers = make_samplers(job);
      settings.batch = job.train.batch;
      settings.lagrangian = read_lagrangian(job.lagrangian);
      settings.path = job.path.settings();
      settings.anneal_steps = job.train.anneal_steps;
      settings.optimizer = optimizer_settings(job);
      const std::int64_t dimension = samplers.source->dimension();
      require_points_for(samplers.name, settings.lagrangian, {}, dimension);
      description = describe_path_predictor(job, settings.lagrangian, dimension);
      description.samples = samplers.name;
      description.standardization = {standard_coordinates(*samplers.source),
                                     standard_coordinates(*samplers.target)};
    });
    const std::string samples =
        communicator.broadcast(communicator.is_root() ? fingerprint(samplers) : "");
    unfinished.job = training_identity(job, {{"samples", samples},
                                             {"lagrangian", description.lagrangian},
                                             {"nodes", job.path.nodes},
                                             {"points", job.path.points},
                                             {"anneal_steps", job.train.anneal_steps}});
    const auto newest = find_unfinished(
        context, checkpoints,
        [&](const std::filesystem::path& file) {
          TrainingState state;
          read_path_predictor(file, description, &state);
          return state;
        },
        unfinished.job);
    communicator.agree([&] {
      model = newest.empty() ? std::make_unique<PathPredictor>(description, job.seed)
                             : read_path_predictor(newest, description, &unfinished);
    });
  }
  PathTrainer trainer(settings, communicator, *samplers.source, *samplers.target, *model);
  trainer.go_on(std::move(unfinished));
  const auto report_samples = [&] {
    report.figures()["samples"] = samplers.name;
    report.figures()["dimension"] = samplers.source->dimension();
  };
  run_training(context, report, {*model, trainer, checkpoints, "slope", report_samples});
}

}  // namespace otfleet

#include <memory>
#include <utility>

#include "distributed/error.hpp"
#include "src/families/metric_learning/metric_family.hpp"
#include "src/families/metric_learning/metric_trainer.hpp"
#include "src/trainers/training_run.hpp"

namespace otfleet {

void train_metric(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  SetSequence sequence;
  std::unique_ptr<MetricModel> model;
  TrainingState unfinished;
  CheckpointSeries checkpoints(context.output, job.train.keep_checkpoints);
  {
    const PhaseTimer timer(report, "read");
    MetricDescription description;
    communicator.agree([&] {
      sequence = read_set_sequence(job);
      description = describe_metric(job, box_of(job, sequence));
      description.sequence = sequence.name;
    });
    unfinished.job = training_identity(job, {{"sequence", sequence.fingerprint()},
                                             {"box", description.box},
                                             {"along", description.along},
                                             {"cells", description.cells},
                                             {"couple_every", job.metric.couple_every},
                                             {"orient_steps", job.metric.orient_steps},
                                             {"path", job.resolved()["path"]}});
    const auto newest = find_unfinished(
        context, checkpoints,
        [&](const std::filesystem::path& file) {
          TrainingState state;
          read_metric(file, job, &state);
          return state;
        },
        unfinished.job);
    communicator.agree([&] {
      model = newest.empty() ? std::make_unique<MetricModel>(description, job.seed)
                             : read_metric(newest, job, &unfinished);
    });
  }
  MetricTrainerSettings settings;
  settings.batch = job.train.batch;
  settings.couple_every = job.metric.couple_every;
  settings.orient_steps = job.metric.orient_steps;
  settings.seed = job.seed;
  settings.path = job.path.settings();
  settings.optimizer = optimizer_settings(job);
  MetricTrainer trainer(settings, communicator, sequence, *model);
  trainer.go_on(std::move(unfinished));
  const auto report_sequence = [&] { report.figures()["sequence"] = sequence.name; };
  run_training(context, report, {*model, trainer, checkpoints, "residual", report_sequence});
}

}  // namespace otfleet

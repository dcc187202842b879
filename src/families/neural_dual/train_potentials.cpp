#include "src/families/neural_dual/neural_dual_family.hpp"

#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/neural_dual/dual_trainer.hpp"
#include "src/families/neural_dual/neural_dual_checkpoint.hpp"
#include "src/families/neural_dual/samplers/job_samplers.hpp"
#include "src/trainers/training_run.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t tried_ends = 64;  // of DualDescription::ends

}  // namespace

void train_potentials(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  SamplerPair samplers;
  DualTrainerSettings settings;
  std::optional<NeuralDual> model;
  TrainingState unfinished;
  CheckpointSeries checkpoints(context.output, job.train.keep_checkpoints);
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      samplers = make_samplers(job);
      settings = dual_trainer_settings(job);
      if (settings.cost)
        require_points_for(samplers.name, settings.cost->lagrangian, {},
                           samplers.source->dimension());
    });
    const std::int64_t dimension = samplers.source->dimension();
    nlohmann::json conjugate = job.resolved()["conjugate"];
    for (const char* key : {"precision", "tolerance"}) conjugate.erase(key);  // not of training
    const std::string samples =
        communicator.broadcast(communicator.is_root() ? fingerprint(samplers) : "");
    nlohmann::json content = {
        {"samples", samples}, {"standardize", job.samples.standardize}, {"conjugate", conjugate}};
    const std::string cost = least_action_text(settings.cost);
    if (!cost.empty())
      content["cost"] = {cost,
                         job.path.nodes,
                         job.path.points,
                         job.path.starts,
                         word_of(job.path.initializer),
                         job.train.anneal_steps};
    unfinished.job = training_identity(job, content);
    const auto newest = find_unfinished(
        context, checkpoints,
        [&](const std::filesystem::path& file) {
          TrainingState state;
          read_neural_dual(file, job, dimension, &state);
          return state;
        },
        unfinished.job);
    communicator.agree([&] {
      if (newest.empty()) {
        DualDescription description{job.model, dimension, samplers.name};
        description.cost = cost;
        if (job.path.initializer == PathInitializer::model) {
          description.path_nodes = job.path.nodes;
          description.path_points = job.path.points;
        }
        if (!cost.empty()) {
          description.ends.resize(static_cast<std::size_t>(tried_ends * dimension));
          samplers.target->fill(0, tried_ends, description.ends.data());
        }
        if (job.samples.standardize)
          description.standardization = {standard_coordinates(*samplers.source),
                                         standard_coordinates(*samplers.target)};
        model.emplace(description, job.seed);
      } else {
        model.emplace(read_neural_dual(newest, job, dimension, &unfinished));
      }
    });
  }
  DualTrainer trainer(settings, communicator, *samplers.source, *samplers.target, *model);
  trainer.go_on(std::move(unfinished));
  const auto report_conjugates = [&] {
    report.figures()["samples"] = samplers.name;
    report.figures()["dimension"] = samplers.source->dimension();
    report.figures()["conjugate"] = conjugates_json(trainer.conjugate_figures());
  };
  run_training(context, report, {*model, trainer, checkpoints, "residual", report_conjugates});
}

}  // namespace otfleet

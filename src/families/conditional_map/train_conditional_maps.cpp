#include <functional>
#include <memory>
#include <utility>

#include "distributed/error.hpp"
#include "src/families/conditional_map/conditional_checkpoint.hpp"
#include "src/families/conditional_map/conditional_family.hpp"
#include "src/families/conditional_map/conditional_trainer.hpp"
#include "src/families/conditional_map/flow_trainer.hpp"
#include "src/families/conditional_map/velocity_model.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/stop_watch.hpp"
#include "src/trainers/training_run.hpp"

namespace otfleet {

void train_conditional_maps(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  CloudPopulation population;
  std::unique_ptr<ConditionalModel> model;
  TrainingState unfinished;
  CheckpointSeries checkpoints(context.output, job.train.keep_checkpoints);
  {
    const PhaseTimer timer(report, "read");
    std::filesystem::path file;
    communicator.agree([&] {
      file = find_input(context, job.files.train_population, "files.train_population", "make",
                        "train.h5");
      population = read_cloud_population(file);
    });
    nlohmann::json conjugate = job.resolved()["conjugate"];
    for (const char* key : {"precision", "tolerance"}) conjugate.erase(key);  // not of training
    const std::string content =
        communicator.broadcast(communicator.is_root() ? population.content_fingerprint() : "");
    unfinished.job = training_identity(
        job,
        {{"content", content}, {"standardize", job.samples.standardize}, {"conjugate", conjugate}});
    const auto newest = find_unfinished(
        context, checkpoints,
        [&](const std::filesystem::path& checkpoint) {
          TrainingState state;
          read_conditional(checkpoint, job, population, file.string(), &state);
          return state;
        },
        unfinished.job);
    communicator.agree([&] {
      if (newest.empty()) {
        const auto description = describe_conditional(job, population);
        require_fitting(description, population, file.string());
        model = make_conditional_model(description, job.seed);
      } else {
        model = read_conditional(newest, job, population, file.string(), &unfinished);
      }
    });
  }
  std::unique_ptr<Trainer> trainer;
  std::function<void()> add_figures;
  if (auto* potentials = dynamic_cast<ConditionalPotential*>(model.get())) {
    auto own = std::make_unique<ConditionalTrainer>(conditional_trainer_settings(job), communicator,
                                                    population, *potentials);
    add_figures = [&report, &trained = *own] {
      report.figures()["conjugate"] = conjugates_json(trained.conjugate_figures());
    };
    trainer = std::move(own);
  } else {
    trainer = std::make_unique<FlowTrainer>(flow_trainer_settings(job), communicator, population,
                                            dynamic_cast<VelocityModel&>(*model));
  }
  trainer->go_on(std::move(unfinished));
  report.figures()["problems"] = population.problems();
  report.figures()["dimension"] = population.dimension;
  run_training(context, report,
               {*model, *trainer, checkpoints,
                model->has_potentials() ? "residual" : "squared error", add_figures});
}

}  // namespace otfleet

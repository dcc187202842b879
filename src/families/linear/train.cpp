#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "distributed/error.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/linear/linear_family.hpp"
#include "src/populations/any_population.hpp"
#include "src/populations/job_population.hpp"
#include "src/populations/population_view.hpp"
#include "src/refusals.hpp"
#include "src/reports/convergence.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"
#include "src/trainers/meta_trainer.hpp"
#include "src/trainers/model_start.hpp"
#include "src/trainers/training_run.hpp"

namespace otfleet {
void train_start_model(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  AnyPopulation read;
  const auto view = [&] { return view_any(read); };
  std::unique_ptr<StartModel> model;
  TrainingState unfinished;
  CheckpointSeries checkpoints(context.output, job.train.keep_checkpoints);
  std::filesystem::path file;
  const int neighbors = communicator.ranks_on_machine();
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      file = find_input(context, job.files.train_population, "files.train_population", "make",
                        "train.h5");
      require_balanced(job, "train");
      require_solve_memory(file, job, neighbors);
      if (holds_clouds(file)) check_clouds_fit(job, file);
      read = read_any_job_population(job, file);
      if (view().problems() == 0) throw UserError(file.string() + ": holds no problems");
      naming(file, [&] { model = fresh_model(job, view()); });
    });
    nlohmann::json content = {{"geometry", geometry_fingerprint_of(read)},
                              {"problems", view().problems()}};
    if (job.solver.normalize) content["normalize"] = true;
    unfinished.job = training_identity(job, content);
    const auto newest = find_unfinished(
        context, checkpoints,
        [&](const std::filesystem::path& file) {
          TrainingState state;
          read_model(file, job, view(), &state);
          return state;
        },
        unfinished.job);
    if (!newest.empty())
      communicator.agree([&] { model = read_model(newest, job, view(), &unfinished); });
  }
  with_population_named(file, job.problem.epsilon, [&] {
    MetaTrainer trainer(trainer_settings(job), communicator,
                        training_samples(view(), job.problem.epsilon, {0, view().problems()},
                                         job.seed, job.train.augment, *model),
                        *model);
    trainer.go_on(std::move(unfinished));
    const auto report_targets = [&] {
      StatusCounts targets = trainer.target_statuses();
      targets.reduce(communicator);
      report.figures()["targets"] = {{"solved", targets.total()},
                                     {"converged", targets.converged()}};
      Job as_solved = job;
      as_solved.solver = trainer.target_solver();
      if (const auto complaint = convergence_complaint(targets, as_solved); !complaint.empty())
        spdlog::warn("of the targets of training {}; train.target_threshold is their threshold",
                     complaint);
    };
    run_training(context, report, {*model, trainer, checkpoints, "first error", report_targets});
  });
}

}  // namespace otfleet

#include "src/trainers/meta_trainer.hpp"

#include <utility>

#include "distributed/shard.hpp"
#include "kernels/api/losses.hpp"
#include "kernels/api/outputs.hpp"

namespace otfleet {
MetaTrainerSettings trainer_settings(const Job& job) {
  MetaTrainerSettings settings;
  settings.epsilon = job.problem.epsilon;
  settings.batch = job.train.batch;
  settings.loss = job.train.loss;
  settings.target_threshold = job.train.target_threshold;
  settings.optimizer = optimizer_settings(job);
  return settings;
}

MetaTrainer::MetaTrainer(const MetaTrainerSettings& settings,
                         const distributed::Communicator& communicator,
                         std::unique_ptr<TrainingSamples> samples, StartModel& model)
    : DataParallelTrainer(settings.optimizer, communicator, model, settings.batch),
      settings_(settings),
      samples_(std::move(samples)) {
  const auto shard =
      distributed::block_shard(settings.batch, communicator.rank(), communicator.size());
  first_ = shard.begin;
  count_ = shard.size();
  value_ = DeviceArray<double>("otfleet::training::value", static_cast<std::size_t>(count_));
  target_statuses_ =
      DeviceArray<std::int64_t>("otfleet::training::target_statuses", StatusCounts::kinds);
  distance_ = DeviceArray<double>("otfleet::training::distance", 1);
}

void MetaTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  if (count_ > 0) {
    samples_->draw(update_.state().step * settings_.batch + first_, count_);
    clock_.lap(seconds_.data);
    f_ = samples_->predict(settings_.epsilon);
    clock_.lap(seconds_.forward);
    if (slope_.size() != f_.size())
      slope_ = DeviceArray<double>(uninitialized, "otfleet::training::slope", f_.size());
    kernels::semi_dual(samples_->problems(), settings_.epsilon, f_, value_, slope_);
    kernels::negative_mean_dual(
        value_, slope_, static_cast<double>(settings_.batch),
        row.rows(DataParallelStep::loss, DataParallelStep::first_error + 1));
    clock_.lap(seconds_.loss);
    if (settings_.loss == TrainingLoss::regression) slope_towards_solutions();
    clock_.lap(seconds_.solve);
  }
  update_.run([&](const GradientListener& listener) { samples_->backward(slope_, listener); }, row,
              rate, clock_, seconds_);
}

SolverOptions MetaTrainer::target_solver() const {
  SolverOptions settings;
  settings.initializer = "model";  // what the predictions are: early ones give way to zeros
  settings.threshold = settings_.target_threshold;
  return settings;
}

void MetaTrainer::slope_towards_solutions() {
  Batch batch(samples_->problems());
  batch.f.copy_from(f_);
  SolveCounts ignored;
  samples_->solver().solve(batch, target_solver(), ignored);
  kernels::add_statuses(batch.progress.status, target_statuses_);
  const auto begin =
      upload<std::int64_t>("otfleet::training::begin", samples_->problems().source_offsets());
  kernels::potential_distance(begin, samples_->shares(), f_, batch.f, settings_.epsilon,
                              static_cast<double>(settings_.batch), slope_, distance_);
}

StatusCounts MetaTrainer::target_statuses() const {
  StatusCounts counts;
  const auto found = target_statuses_.download();
  for (std::size_t status = 0; status < found.size(); ++status)
    counts.add(static_cast<std::int32_t>(status), found[status]);
  return counts;
}

}  // namespace otfleet

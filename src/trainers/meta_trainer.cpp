#include "src/trainers/meta_trainer.hpp"

#include "distributed/shard.hpp"
#include "kernels/api/losses.hpp"
#include "kernels/api/outputs.hpp"
#include "src/populations/device_problems.hpp"

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
                         const Population& population, const PairSampler& sampler,
                         PotentialModel& model)
    : settings_(settings),
      sampler_(sampler),
      model_(model),
      update_(settings.optimizer, communicator, model),
      solver_(device_problems(population.geometry, settings.epsilon, {}, {}), settings.epsilon,
              mean_supports(population)) {
  const auto shard =
      distributed::block_shard(settings.batch, communicator.rank(), communicator.size());
  first_ = shard.begin;
  count_ = shard.size();
  const auto rows = static_cast<std::size_t>(count_);
  const auto n = static_cast<std::size_t>(population.geometry.n);
  const auto m = static_cast<std::size_t>(population.geometry.m);
  a_ = DeviceArray<double, 2>("otfleet::training::a", rows, n);
  b_ = DeviceArray<double, 2>("otfleet::training::b", rows, m);
  f_ = DeviceArray<double, 2>("otfleet::training::f", rows, n);
  slope_ = DeviceArray<double, 2>("otfleet::training::slope", rows, n);
  value_ = DeviceArray<double>("otfleet::training::value", rows);
  targets_.emplace(solver_.measures().with_shares(a_, b_, sampler.smallest_weight()));
  target_statuses_ =
      DeviceArray<std::int64_t>("otfleet::training::target_statuses", StatusCounts::kinds);
  distance_ = DeviceArray<double>("otfleet::training::distance", 1);
}

void MetaTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  if (count_ > 0) {
    sampler_.draw(update_.state().step * settings_.batch + first_, a_, b_);
    clock_.lap(seconds_.data);
    model_.forward(a_, b_, f_, settings_.epsilon);
    clock_.lap(seconds_.forward);
    kernels::semi_dual(targets_->problems, settings_.epsilon, f_.flat(), value_, slope_.flat());
    kernels::negative_mean_dual(
        value_, slope_, static_cast<double>(settings_.batch),
        row.rows(DataParallelStep::loss, DataParallelStep::first_error + 1));
    clock_.lap(seconds_.loss);
    if (settings_.loss == TrainingLoss::regression) slope_towards_solutions();
    clock_.lap(seconds_.solve);
  }
  update_.run([&](const GradientListener& listener) { model_.backward(slope_, listener); }, row,
              rate, clock_, seconds_);
}

SolverOptions MetaTrainer::target_solver() const {
  SolverOptions settings;
  settings.initializer = "model";  // what the predictions are: early ones give way to zeros
  settings.threshold = settings_.target_threshold;
  return settings;
}

void MetaTrainer::slope_towards_solutions() {
  Batch& batch = *targets_;
  batch.f.copy_from(f_.flat());
  SolveCounts ignored;
  solver_.solve(batch, target_solver(), ignored);
  kernels::add_statuses(batch.progress.status, target_statuses_);
  kernels::potential_distance(a_, f_, batch.f.reshaped(f_.extent(0), f_.extent(1)),
                              settings_.epsilon, static_cast<double>(settings_.batch), slope_,
                              distance_);
}

StatusCounts MetaTrainer::target_statuses() const {
  StatusCounts counts;
  const auto found = target_statuses_.download();
  for (std::size_t status = 0; status < found.size(); ++status)
    counts.add(static_cast<std::int32_t>(status), found[status]);
  return counts;
}

}  // namespace otfleet

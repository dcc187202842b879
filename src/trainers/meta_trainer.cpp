#include "src/trainers/meta_trainer.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/api/outputs.hpp"
#include "kernels/device_views.hpp"
#include "kernels/training/loss.hpp"
#include "src/populations/device_problems.hpp"
#include "src/runs/stop_watch.hpp"

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
  a_ = Matrix<double, ExecutionSpace>("otfleet::training::a", rows, n);
  b_ = Matrix<double, ExecutionSpace>("otfleet::training::b", rows, m);
  f_ = Matrix<double, ExecutionSpace>("otfleet::training::f", rows, n);
  slope_ = Matrix<double, ExecutionSpace>("otfleet::training::slope", rows, n);
  value_ = Vector<double, ExecutionSpace>("otfleet::training::value", rows);
}

StepFigures MetaTrainer::step(double rate) {
  const ExecutionSpace space;
  LapWatch watch;
  std::array<double, 2> sums = {0, 0};  // loss, first error
  if (count_ > 0) {
    const auto host_a = Kokkos::create_mirror_view(a_);
    const auto host_b = Kokkos::create_mirror_view(b_);
    sampler_.fill(update_.state().step * settings_.batch + first_, count_, host_a.data(),
                  host_b.data());
    Kokkos::deep_copy(a_, host_a);
    Kokkos::deep_copy(b_, host_b);
    watch.lap(seconds_.data);
    model_.forward(a_, b_, f_, settings_.epsilon);
    space.fence();
    watch.lap(seconds_.forward);
    const auto problems =
        solver_.measures().with_measures(kernels::array_of(a_), kernels::array_of(b_));
    kernels::semi_dual(problems, settings_.epsilon, kernels::array_of(f_).flat(),
                       kernels::array_of(value_), kernels::array_of(slope_).flat());
    const auto loss = kernels::negative_mean_dual<ExecutionSpace>(
        space, value_, slope_, static_cast<double>(settings_.batch));
    sums = {loss.value, loss.first_error};
    watch.lap(seconds_.loss);
    if (settings_.loss == TrainingLoss::regression) slope_towards_solutions(problems);
    space.fence();
    watch.lap(seconds_.solve);
  }
  return update_.run([&](const GradientListener& listener) { model_.backward(slope_, listener); },
                     sums, rate, watch, seconds_);
}

SolverOptions MetaTrainer::target_solver() const {
  SolverOptions settings;
  settings.initializer = "model";  // what the predictions are: early ones give way to zeros
  settings.threshold = settings_.target_threshold;
  return settings;
}

void MetaTrainer::slope_towards_solutions(const kernels::Problems& problems) {
  Batch batch(problems);
  batch.f.copy_from(kernels::array_of(f_).flat());
  SolveCounts ignored;
  solver_.solve(batch, target_solver(), ignored);
  target_statuses_.add(batch.progress.status.download());
  kernels::potential_distance<ExecutionSpace>(
      ExecutionSpace(), a_, f_, kernels::view_of(batch.f.reshaped(f_.extent(0), f_.extent(1))),
      settings_.epsilon, static_cast<double>(settings_.batch), slope_);
}

}  // namespace otfleet

#include "src/trainers/meta_trainer.hpp"

#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/api/losses.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/runtime.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "src/runs/append.hpp"
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
      solver_(population, settings.epsilon) {
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
  std::vector<std::int32_t> identity(rows);
  std::iota(identity.begin(), identity.end(), 0);
  identity_ = upload<int>("otfleet::training::identity", identity);
}

StepFigures MetaTrainer::step(double rate) {
  const ExecutionSpace space;
  LapWatch watch;
  std::array<double, 2> sums = {0, 0};  // loss, first error
  if (count_ > 0) {
    const auto host_a = a_.mirror(), host_b = b_.mirror();
    sampler_.fill(update_.state().step * settings_.batch + first_, count_, host_a.data(),
                  host_b.data());
    a_.upload(host_a);
    b_.upload(host_b);
    watch.lap(seconds_.data);
    model_.forward(a_, b_, f_, settings_.epsilon);
    space.fence();
    watch.lap(seconds_.forward);
    const kernels::ProblemBatch<ExecutionSpace> problems{
        {space, kernels::view_of(DeviceArray<const double, 2>(a_))},
        {space, kernels::view_of(DeviceArray<const double, 2>(b_))},
        kernels::view_of(identity_),
        kernels::view_of(identity_)};
    std::visit(
        [&](const auto& cost) {
          kernels::semi_dual<ExecutionSpace>(space, cost, problems, settings_.epsilon,
                                             kernels::view_of(f_), kernels::view_of(value_),
                                             kernels::view_of(slope_));
        },
        solver_.cost());
    const auto loss =
        kernels::negative_mean_dual(value_, slope_, static_cast<double>(settings_.batch));
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

void MetaTrainer::slope_towards_solutions(const kernels::ProblemBatch<ExecutionSpace>& problems) {
  Batch batch(problems);
  kernels::array_of(batch.f).copy_from(f_);
  SolveCounts ignored;
  solver_.solve(batch, target_solver(), ignored);
  std::vector<std::int32_t> statuses;
  append(statuses, batch.status);
  target_statuses_.add(statuses);
  kernels::potential_distance(a_, f_, kernels::array_of(batch.f), settings_.epsilon,
                              static_cast<double>(settings_.batch), slope_);
}

}  // namespace otfleet

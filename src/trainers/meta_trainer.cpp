#include "src/trainers/meta_trainer.hpp"

#include <array>
#include <cmath>
#include <numeric>

#include "distributed/shard.hpp"
#include "kernels/clouds/cloud_solver.hpp"
#include "kernels/training/adam.hpp"
#include "kernels/training/loss.hpp"
#include "src/solvers/stop_watch.hpp"

namespace otfleet {
namespace {

Vector<float, ExecutionSpace> zeros(std::size_t size) {
  return Vector<float, ExecutionSpace>("otfleet::training::moment", size);
}

}  // namespace

MetaTrainerSettings trainer_settings(const Job& job) {
  MetaTrainerSettings settings;
  settings.epsilon = job.problem.epsilon;
  settings.batch = job.train.batch;
  settings.learning_rate = job.train.learning_rate;
  settings.clip = job.train.clip;
  settings.loss =
      job.train.loss == "regression" ? TrainingLoss::regression : TrainingLoss::objective;
  settings.target_threshold = job.train.target_threshold;
  settings.bucket_bytes = job.train.bucket_bytes;
  return settings;
}

MetaTrainer::MetaTrainer(const MetaTrainerSettings& settings,
                         const distributed::Communicator& communicator,
                         const Population& population, const PairSampler& sampler,
                         PotentialModel& model)
    : settings_(settings),
      communicator_(communicator),
      sampler_(sampler),
      model_(model),
      solver_(population, settings.epsilon) {
  if (communicator.size() > 1) averaging_.emplace(communicator, model, settings.bucket_bytes);
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
  std::vector<std::int32_t> identity(rows);
  std::iota(identity.begin(), identity.end(), 0);
  identity_ = upload_indices(identity);
  const auto parameters = model.parameters();
  state_.first_moment = zeros(parameters.extent(0));
  state_.second_moment = zeros(parameters.extent(0));
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), parameters);
  communicator_.broadcast(std::span<float>(host.data(), host.extent(0)));
  Kokkos::deep_copy(parameters, host);
}

StepFigures MetaTrainer::step(double rate) {
  const ExecutionSpace space;
  LapWatch watch;
  std::array<double, 2> sums = {0, 0};  // loss, first error
  if (count_ > 0) {
    const auto host_a = Kokkos::create_mirror_view(a_);
    const auto host_b = Kokkos::create_mirror_view(b_);
    sampler_.fill(state_.step * settings_.batch + first_, count_, host_a.data(), host_b.data());
    Kokkos::deep_copy(a_, host_a);
    Kokkos::deep_copy(b_, host_b);
    watch.lap(seconds_.data);
    model_.forward(a_, b_, f_, settings_.epsilon);
    space.fence();
    watch.lap(seconds_.forward);
    const kernels::ProblemBatch<ExecutionSpace> problems{
        {space, a_}, {space, b_}, identity_, identity_};
    std::visit(
        [&](const auto& cost) {
          kernels::semi_dual<ExecutionSpace>(space, cost, problems, settings_.epsilon, f_, value_,
                                             slope_);
        },
        solver_.cost());
    const auto loss = kernels::negative_mean_dual<ExecutionSpace>(
        space, value_, slope_, static_cast<double>(settings_.batch));
    sums = {loss.value, loss.first_error};
    watch.lap(seconds_.loss);
    if (settings_.loss == TrainingLoss::regression) slope_towards_solutions(problems);
    space.fence();
    watch.lap(seconds_.solve);
  }
  double averaging = 0;
  if (averaging_)
    averaging = averaging_->backward(slope_, state_.step);
  else
    model_.backward(slope_);
  space.fence();
  watch.lap(seconds_.backward);
  seconds_.backward -= averaging;
  seconds_.averaging += averaging;
  communicator_.all_reduce(std::span<double>(sums), distributed::Reduction::sum);
  watch.lap(seconds_.averaging);

  const auto gradients = model_.gradients();
  const double norm = std::sqrt(kernels::squared_norm<ExecutionSpace>(space, gradients));
  const double scale = settings_.clip > 0 && norm > settings_.clip ? settings_.clip / norm : 1;
  kernels::AdamSettings adam;
  adam.learning_rate = settings_.learning_rate * rate;
  ++state_.step;
  kernels::adam_step<ExecutionSpace>(space, adam, state_.step, scale, gradients,
                                     model_.parameters(), state_.first_moment,
                                     state_.second_moment);
  watch.lap(seconds_.update);
  return {sums[0], sums[1], norm};
}

std::optional<AveragingFigures> MetaTrainer::averaging_figures() const {
  if (!averaging_) return {};
  return averaging_->figures();
}

void MetaTrainer::slope_towards_solutions(const kernels::ProblemBatch<ExecutionSpace>& problems) {
  Job::Solver settings;
  settings.initializer = "model";  // what the predictions are: early ones give way to zeros
  settings.threshold = settings_.target_threshold;
  Batch batch(problems);
  Kokkos::deep_copy(batch.f, f_);
  SolveCounts ignored;
  solver_.solve(batch, settings, ignored);
  kernels::potential_distance<ExecutionSpace>(ExecutionSpace(), a_, f_, batch.f, settings_.epsilon,
                                              static_cast<double>(settings_.batch), slope_);
}

}  // namespace otfleet

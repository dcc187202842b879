#include "src/trainers/data_parallel_step.hpp"

#include <cmath>

#include "kernels/api/optimizer.hpp"
#include "kernels/runtime.hpp"

namespace otfleet {
namespace {

DeviceArray<float> zeros(std::size_t size) {
  return DeviceArray<float>("otfleet::training::moment", size);
}

}  // namespace

OptimizerSettings optimizer_settings(const Job& job) {
  OptimizerSettings settings;
  settings.adam.learning_rate = job.train.learning_rate;
  settings.adam.beta1 = job.train.beta1;
  settings.adam.beta2 = job.train.beta2;
  settings.adam.weight_decay = job.train.weight_decay;
  settings.clip = job.train.clip;
  settings.bucket_bytes = job.train.bucket_bytes;
  return settings;
}

DataParallelStep::DataParallelStep(const OptimizerSettings& settings,
                                   const distributed::Communicator& communicator,
                                   TrainedModel& model)
    : settings_(settings), communicator_(communicator), model_(model) {
  if (communicator.size() > 1) averaging_.emplace(communicator, model, settings.bucket_bytes);
  const auto parameters = model.parameters();
  state_.first_moment = zeros(parameters.extent(0));
  state_.second_moment = zeros(parameters.extent(0));
  std::vector<float> host = parameters.download();
  communicator_.broadcast(std::span<float>(host));
  parameters.upload(host);
}

StepFigures DataParallelStep::run(const BackwardPass& pass, std::span<double> sums, double rate,
                                  LapWatch& watch, TrainingSeconds& seconds) {
  double averaging = 0;
  if (averaging_)
    averaging = averaging_->backward(pass, state_.step);
  else
    pass({});
  kernels::fence();
  watch.lap(seconds.backward);
  seconds.backward -= averaging;
  seconds.averaging += averaging;
  communicator_.all_reduce(sums, distributed::Reduction::sum);
  watch.lap(seconds.averaging);

  const auto gradients = model_.gradients();
  const double norm = std::sqrt(kernels::squared_norm(gradients));
  const double scale = settings_.clip > 0 && norm > settings_.clip ? settings_.clip / norm : 1;
  kernels::AdamSettings adam = settings_.adam;
  adam.learning_rate *= rate;
  ++state_.step;
  kernels::adam_step(adam, state_.step, scale, gradients, model_.parameters(), state_.first_moment,
                     state_.second_moment);
  watch.lap(seconds.update);
  return {sums[0], sums[1], norm};
}

std::optional<AveragingFigures> DataParallelStep::averaging_figures() const {
  if (!averaging_) return {};
  return averaging_->figures();
}

}  // namespace otfleet

#include "src/trainers/data_parallel_step.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "kernels/api/optimizer.hpp"

namespace otfleet {

OptimizerSettings optimizer_settings(const Job& job) {
  OptimizerSettings settings;
  settings.method = job.train.optimizer;
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
    : settings_(settings),
      communicator_(communicator),
      model_(model),
      optimizer_(make_optimizer(settings, model.entries())),
      window_(figures_a_step) {
  if (communicator.size() > 1) averaging_.emplace(communicator, model, settings.bucket_bytes);
  const auto parameters = model.parameters();
  state_.optimizer = optimizer_->fresh_state();
  std::vector<float> host = parameters.download();
  communicator_.broadcast(std::span<float>(host));
  parameters.upload(host);
}

void DataParallelStep::run(const BackwardPass& pass, const DeviceArray<double>& row, double rate,
                           StepClock& clock, TrainingSeconds& seconds) {
  double averaging = 0;
  if (averaging_)
    averaging = averaging_->backward(pass, state_.step);
  else
    pass({});
  clock.lap(seconds.backward);
  if (clock.timed()) {
    seconds.backward -= averaging;
    seconds.averaging += averaging;
  }

  const auto gradients = model_.gradients();
  const auto norm = row.rows(squared_gradient_norm, squared_gradient_norm + 1);
  kernels::squared_norm(gradients, norm);
  ++state_.step;
  optimizer_->step(rate * settings_.adam.learning_rate, state_.step, norm, gradients,
                   model_.parameters(), state_.optimizer);
  clock.lap(seconds.update);
}

DeviceArray<double> DataParallelStep::figures_of_step() {
  return window_.next_row();
}

StepFigures DataParallelStep::figures(std::int64_t batch) {
  const auto rows = window_.take();
  StepFigures result;
  result.steps = static_cast<std::int64_t>(rows.size()) / figures_a_step;
  if (result.steps == 0) return result;
  std::array<double, 3> sums = {};
  for (std::size_t at = 0; at < rows.size(); at += figures_a_step) {
    for (const Figure figure : {loss, first_error, lost_samples}) sums[figure] += rows[at + figure];
    result.gradient_norm += std::sqrt(rows[at + squared_gradient_norm]);  // the same on all ranks
  }
  communicator_.all_reduce(std::span<double>(sums), distributed::Reduction::sum);
  const auto steps = static_cast<double>(result.steps);
  result.loss = sums[lost_samples] > steps * static_cast<double>(batch) / 2
                    ? std::numeric_limits<double>::quiet_NaN()
                    : sums[loss] / steps;
  result.first_error = sums[first_error] / steps;
  result.gradient_norm /= steps;
  return result;
}

std::optional<AveragingFigures> DataParallelStep::averaging_figures() const {
  if (!averaging_) return {};
  return averaging_->figures();
}

}  // namespace otfleet

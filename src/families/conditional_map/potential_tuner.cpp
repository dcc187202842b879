#include "src/families/conditional_map/potential_tuner.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/api/optimizer.hpp"
#include "src/trainers/data_parallel_step.hpp"

namespace otfleet {
namespace {

/// Draws differ from those of the training.
constexpr std::uint64_t tuning_draws = 0x74756e65;

DualTrainerSettings tuning_settings(const Job& job) {
  DualTrainerSettings settings = dual_trainer_settings(job);
  settings.loss = TrainingLoss::none;  // predictions of minimizers stay
  settings.optimizer.adam.learning_rate = job.fine_tune.learning_rate;
  return settings;
}

DeviceArray<float, 2> samples_of(const Job& job, const ConditionalPotential& model) {
  return DeviceArray<float, 2>("otfleet::training::samples",
                               static_cast<std::size_t>(job.fine_tune.batch),
                               static_cast<std::size_t>(model.description().dimension));
}

}  // namespace

PotentialTuner::PotentialTuner(const CloudPopulation& population, ConditionalPotential& model,
                               const Job& job)
    : model_(model),
      job_(job),
      settings_(tuning_settings(job)),
      sampler_(population, static_cast<std::uint64_t>(job.seed) ^ tuning_draws),
      dual_(settings_, job.fine_tune.batch, population.dimension),
      x_host_(static_cast<std::size_t>(job.fine_tune.batch * population.dimension)),
      y_host_(x_host_.size()),
      y_(samples_of(job, model)),
      prediction_(samples_of(job, model)),
      weights_("otfleet::training::potential", static_cast<std::size_t>(model.layout().size)),
      slope_("otfleet::training::slope", weights_.size()),
      network_(model.layout().weights(weights_), static_cast<int>(job.fine_tune.batch)),
      gradient_(model.layout().weights(weights_), model.layout().gradients(slope_),
                static_cast<int>(2 * job.fine_tune.batch)) {}

void PotentialTuner::draw(std::int32_t problem, std::int64_t step) {
  const Standardization& standard = model_.description().standardization;
  const std::int64_t draw = problem * job_.fine_tune.steps + step;
  sampler_.points(problem, true, draw, job_.fine_tune.batch, standard.source, x_host_.data());
  sampler_.points(problem, false, draw, job_.fine_tune.batch, standard.target, y_host_.data());
  dual_.x().upload(x_host_);
  y_.upload(y_host_);
}

std::unique_ptr<ProblemMap> PotentialTuner::map(std::int32_t problem, const SeenProblems& one) {
  weights_.copy_from(model_.run(one).flat());
  const auto optimizer = make_optimizer(settings_.optimizer, model_.layout().entries());
  const auto state = optimizer->fresh_state();
  const DeviceArray<double> norm("otfleet::training::norm", std::size_t{1});
  bool finite = true;
  for (std::int64_t step = 0; finite && step < job_.fine_tune.steps; ++step) {
    draw(problem, step);
    model_.predict(y_, prediction_);
    const auto samples = static_cast<double>(job_.fine_tune.batch);
    dual_.evaluate(network_, y_, prediction_, samples);
    const auto loss = dual_.solve(network_, y_, prediction_, samples);
    finite = std::isfinite(loss.value) && loss.left_out < samples / 2;
    gradient_.compute(dual_.points(), dual_.weights());
    kernels::squared_norm(slope_, norm);
    const double rate = rate_at(
        job_.train.schedule, static_cast<double>(step) / static_cast<double>(job_.fine_tune.steps));
    optimizer->step(rate * job_.fine_tune.learning_rate, step + 1, norm, slope_, weights_, state);
    model_.layout().make_convex(weights_);
  }
  const auto weights = weights_.download();
  finite = finite && std::all_of(weights.begin(), weights.end(),
                                 [](float weight) { return std::isfinite(weight); });
  return finite ? model_.map_with(one, weights_, job_) : model_.map_of(one, job_);
}

}  // namespace otfleet

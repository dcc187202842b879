#include "src/families/conditional_map/conditional_trainer.hpp"

#include <utility>

namespace otfleet {

ConditionalTrainerSettings conditional_trainer_settings(const Job& job) {
  return {problem_batch_settings(job), dual_trainer_settings(job)};
}

ConditionalTrainer::ConditionalTrainer(const ConditionalTrainerSettings& settings,
                                       const distributed::Communicator& communicator,
                                       const CloudPopulation& population,
                                       ConditionalPotential& model)
    : DataParallelTrainer(settings.dual.optimizer, communicator, model,
                          settings.problems.batch * settings.problems.points),
      settings_(settings),
      communicator_(communicator),
      model_(model),
      batches_(settings.problems, communicator, population, model.description()),
      dual_(settings.dual, settings.problems.points, population.dimension) {
  const std::size_t count = batches_.count();
  const auto rows = static_cast<std::size_t>(settings.problems.points);
  const auto dimension = static_cast<std::size_t>(population.dimension);
  using Points = DeviceArray<float, 2>;
  for (auto* all : {&x_, &y_, &prediction_, &point_slope_})
    *all = Points("otfleet::training::samples", count * rows, dimension);
  const PotentialLayout& layout = model.layout();
  const auto numbers = static_cast<std::size_t>(layout.size);
  potential_ = Points("otfleet::training::potential", count, numbers);
  slope_ = Points("otfleet::training::slope", count, numbers);
  for (std::size_t k = 0; k < count; ++k) {
    const auto weights = layout.weights(potential_.row(k));
    networks_.emplace_back(weights, static_cast<int>(rows));
    gradients_.emplace_back(weights, layout.gradients(slope_.row(k)), static_cast<int>(2 * rows));
  }
}

void ConditionalTrainer::solve(std::size_t which, std::array<double, 3>& sums) {
  const auto rows = static_cast<std::size_t>(settings_.problems.points);
  const double samples = static_cast<double>(settings_.problems.batch * settings_.problems.points);
  const auto own = [&](const DeviceArray<float, 2>& all) {
    return all.rows(which * rows, (which + 1) * rows);
  };
  const bool learns = settings_.dual.loss != TrainingLoss::none;
  const auto slope = learns ? own(point_slope_) : DeviceArray<float, 2>();
  const auto y = own(y_), prediction = own(prediction_);
  dual_.x().copy_from(own(x_));
  dual_.evaluate(networks_[which], y, prediction, samples, slope);
  const auto loss = dual_.solve(networks_[which], y, prediction, samples);
  if (learns) dual_.finish(prediction, samples, slope);
  figures_.add(settings_.problems.points, loss);
  sums[0] += loss.value;
  sums[1] += loss.start_residuals / samples;
  sums[2] += loss.left_out;
  clock_.lap(seconds_.solve);
  gradients_[which].compute(dual_.points(), dual_.weights());
  clock_.lap(seconds_.backward);
}

void ConditionalTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  const bool learns = settings_.dual.loss != TrainingLoss::none;
  if (batches_.count() > 0) {
    batches_.draw(update_.state().step);
    x_.upload(batches_.x());
    y_.upload(batches_.y());
    clock_.lap(seconds_.data);
    potential_.copy_from(model_.run(batches_.seen(), true));
    model_.predict(y_, prediction_, learns);
    clock_.lap(seconds_.forward);
    std::array<double, 3> sums = {};
    for (std::size_t k = 0; k < batches_.count(); ++k) solve(k, sums);
    row.rows(DataParallelStep::loss, DataParallelStep::lost_samples + 1).upload(sums);
  }
  const auto pass = [&](const GradientListener& listener) {
    model_.backward(slope_, learns ? point_slope_ : DeviceArray<float, 2>(), listener);
  };
  update_.run(pass, row, rate, clock_, seconds_);
  model_.make_convex();
}

ConjugateFigures ConditionalTrainer::conjugate_figures() const {
  return sum_over_ranks(figures_, communicator_);
}

}  // namespace otfleet

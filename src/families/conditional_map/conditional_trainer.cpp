#include "src/families/conditional_map/conditional_trainer.hpp"

#include <utility>

#include "distributed/shard.hpp"
#include "kernels/api/losses.hpp"

namespace otfleet {

ConditionalTrainerSettings conditional_trainer_settings(const Job& job) {
  return {dual_trainer_settings(job), job.train.points, static_cast<std::uint64_t>(job.seed)};
}

ConditionalTrainer::ConditionalTrainer(const ConditionalTrainerSettings& settings,
                                       const distributed::Communicator& communicator,
                                       const CloudPopulation& population,
                                       ConditionalPotential& model)
    : settings_(settings),
      communicator_(communicator),
      model_(model),
      contexts_(population, model.description()),
      sampler_(population, settings.seed),
      update_(settings.dual.optimizer, communicator, model),
      solver_(make_conjugate_minimizer<float>(settings.dual.conjugate,
                                              static_cast<int>(settings.points),
                                              static_cast<int>(population.dimension))) {
  const auto shard =
      distributed::block_shard(settings.dual.batch, communicator.rank(), communicator.size());
  first_ = shard.begin;
  count_ = static_cast<std::size_t>(shard.size());
  problems_.resize(count_);
  const auto rows = static_cast<std::size_t>(settings.points);
  const auto dimension = static_cast<std::size_t>(population.dimension);
  using Points = DeviceArray<float, 2>;
  points_ = Points("otfleet::training::points", 2 * rows, dimension);
  gradient_ = Points("otfleet::training::gradient", rows, dimension);
  for (auto* all : {&x_, &y_, &prediction_, &point_slope_})
    *all = Points("otfleet::training::samples", count_ * rows, dimension);
  x_host_ = x_.staging();
  y_host_ = y_.staging();
  weights_ = DeviceArray<float>("otfleet::training::weights", 2 * rows);
  value_ = DeviceArray<float>("otfleet::training::value", rows);
  conjugates_ = kernels::ConjugateResult<float>(rows);
  const PotentialLayout& layout = model.layout();
  const auto numbers = static_cast<std::size_t>(layout.size);
  potential_ = Points("otfleet::training::potential", count_, numbers);
  slope_ = Points("otfleet::training::slope", count_, numbers);
  for (std::size_t k = 0; k < count_; ++k) {
    const auto weights = layout.weights(potential_.row(k));
    networks_.emplace_back(weights, static_cast<int>(rows));
    gradients_.emplace_back(weights, layout.gradients(slope_.row(k)), static_cast<int>(2 * rows));
  }
}

void ConditionalTrainer::draw() {
  const std::int64_t dimension = model_.description().dimension, points = settings_.points;
  const Standardization& standard = model_.description().standardization;
  for (std::size_t k = 0; k < count_; ++k) {
    const std::int64_t number =
        update_.state().step * settings_.dual.batch + first_ + static_cast<std::int64_t>(k);
    problems_[k] = sampler_.problem(number);
    const std::int64_t place = static_cast<std::int64_t>(k) * points * dimension;
    sampler_.points(problems_[k], true, number, points, standard.source, x_host_.data() + place);
    sampler_.points(problems_[k], false, number, points, standard.target, y_host_.data() + place);
  }
  x_.upload(x_host_);
  y_.upload(y_host_);
}

void ConditionalTrainer::solve(std::size_t which, std::array<double, 3>& sums) {
  const auto rows = static_cast<std::size_t>(settings_.points);
  const double samples = static_cast<double>(settings_.dual.batch * settings_.points);
  const auto own = [&](const DeviceArray<float, 2>& all) {
    return all.rows(which * rows, (which + 1) * rows);
  };
  const auto x = points_.rows(0, rows), minimizers = points_.rows(rows, 2 * rows);
  const auto y = own(y_), prediction = own(prediction_), point_slope = own(point_slope_);
  kernels::Network<float>& network = networks_[which];
  x.copy_from(own(x_));
  if (settings_.dual.loss == TrainingLoss::objective) {
    network.evaluate(prediction, value_, gradient_);
    kernels::scaled_difference(gradient_, y, 1 / samples, point_slope);
  }
  network.evaluate(x, value_, gradient_);
  minimizers.copy_from(prediction);
  solver_.minimize(network, y, minimizers, conjugates_);
  const auto loss = kernels::dual_loss(value_, conjugates_, samples, minimizers, weights_);
  if (settings_.dual.regularizer)
    kernels::expectile_weights(*settings_.dual.regularizer, x, y, value_, conjugates_, weights_);
  figures_.points += settings_.points;
  figures_.steps += static_cast<std::int64_t>(loss.steps);
  figures_.evaluations += static_cast<std::int64_t>(loss.evaluations);
  figures_.converged += static_cast<std::int64_t>(loss.converged);
  figures_.left_out += static_cast<std::int64_t>(loss.left_out);
  if (settings_.dual.loss == TrainingLoss::regression)
    kernels::scaled_difference(prediction, minimizers, 2 / samples, point_slope);
  kernels::clear_lost_rows(conjugates_.status, point_slope);
  sums[0] += loss.value;
  sums[1] += loss.start_residuals / samples;
  sums[2] += loss.left_out;
  clock_.lap(seconds_.solve);
  gradients_[which].compute(points_, weights_);
  clock_.lap(seconds_.backward);
}

void ConditionalTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  const bool learns = settings_.dual.loss != TrainingLoss::none;
  if (count_ > 0) {
    draw();
    clock_.lap(seconds_.data);
    seen_ = contexts_.of(problems_);
    potential_.copy_from(model_.run(seen_, true));
    model_.predict(y_, prediction_, learns);
    clock_.lap(seconds_.forward);
    std::array<double, 3> sums = {};
    for (std::size_t k = 0; k < count_; ++k) solve(k, sums);
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

#include "src/families/least_action/path_trainer.hpp"

#include <algorithm>
#include <cmath>

#include "distributed/shard.hpp"
#include "src/families/least_action/annealing.hpp"

namespace otfleet {

PathTrainer::PathTrainer(const PathTrainerSettings& settings,
                         const distributed::Communicator& communicator, const Sampler& source,
                         const Sampler& target, PathPredictor& model)
    : DataParallelTrainer(settings.optimizer, communicator, model, settings.batch),
      settings_(settings),
      source_(source),
      target_(target),
      model_(model),
      first_(
          distributed::block_shard(settings.batch, communicator.rank(), communicator.size()).begin),
      count_(distributed::block_shard(settings.batch, communicator.rank(), communicator.size())
                 .size()),
      actions_(settings.lagrangian, static_cast<int>(model.description().dimension), settings.path,
               static_cast<int>(count_)) {
  const auto rows = static_cast<std::size_t>(count_),
             dimension = static_cast<std::size_t>(model.description().dimension),
             length = static_cast<std::size_t>(model.coefficients()) * dimension;
  x_drawn_.resize(rows * dimension);
  y_drawn_.resize(rows * dimension);
  const auto array = [&](const char* label, std::size_t columns) {
    return DeviceArray<float, 2>(label, rows, columns);
  };
  seen_ = array("otfleet::training::ends", 2 * dimension);
  x_ = array("otfleet::training::x", dimension);
  y_ = array("otfleet::training::y", dimension);
  coefficients_ = array("otfleet::training::coefficients", length);
  slope_ = array("otfleet::training::slope", length);
  action_ = DeviceArray<float>("otfleet::training::action", rows);
  seen_host_ = seen_.staging();
  x_host_ = x_.staging();
  y_host_ = y_.staging();
}

void PathTrainer::draw() {
  const std::int64_t begin = update_.state().step * settings_.batch + first_;
  source_.fill(begin, count_, x_drawn_.data());
  target_.fill(begin, count_, y_drawn_.data());
  model_.see(x_drawn_, y_drawn_, {seen_host_.data(), seen_host_.size()});
  std::copy(x_drawn_.begin(), x_drawn_.end(), x_host_.begin());
  std::copy(y_drawn_.begin(), y_drawn_.end(), y_host_.begin());
  seen_.upload(seen_host_);
  x_.upload(x_host_);
  y_.upload(y_host_);
}

std::vector<double> PathTrainer::weigh() {
  const double batch = static_cast<double>(settings_.batch);
  actions_.evaluate(x_, y_, coefficients_, action_, slope_);
  const auto actions = action_.download();
  auto slopes = slope_.download();
  const std::size_t length = slope_.extent(1);
  std::vector<double> figures(3, 0.0);
  for (std::size_t k = 0; k < actions.size(); ++k) {
    double square = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const double one = slopes[k * length + i];
      square += one * one;
    }
    const bool lost = !std::isfinite(actions[k]) || !std::isfinite(square);
    figures[0] += lost ? 0 : actions[k] / batch;
    figures[1] += lost ? 0 : std::sqrt(square) / batch;
    figures[2] += lost;
    for (std::size_t i = 0; i < length; ++i) {
      float& one = slopes[k * length + i];
      one = lost ? 0.0F : static_cast<float>(one / batch);
    }
  }
  slope_.upload(std::span<const float>(slopes));
  return figures;
}

void PathTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  if (count_ > 0) {
    const std::int64_t step = update_.state().step;
    if (step <= settings_.anneal_steps)  // later on it is what it was made with
      actions_.change(
          kernels::annealed(settings_.lagrangian, annealed_share(step, settings_.anneal_steps)));
    draw();
    clock_.lap(seconds_.data);
    model_.predict(seen_, coefficients_, true);
    clock_.lap(seconds_.forward);
    row.rows(DataParallelStep::loss, DataParallelStep::lost_samples + 1).upload(weigh());
    clock_.lap(seconds_.loss);
  }
  update_.run(
      [&](const GradientListener& listener) {
        model_.backward(count_ > 0 ? slope_ : DeviceArray<float, 2>(), listener);
      },
      row, rate, clock_, seconds_);
}

}  // namespace otfleet

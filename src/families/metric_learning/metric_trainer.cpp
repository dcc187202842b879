#include "src/families/metric_learning/metric_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "distributed/shard.hpp"
#include "kernels/counter_random.hpp"
#include "src/families/metric_learning/all_pairs.hpp"
#include "src/families/neural_dual/scores/assignment.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t draw_stream = 0x64726177;

/// Paths for pairings and for the metric's steps need not be exact: the metric moves on.
kernels::PathSettings with_steps(kernels::PathSettings path, int most) {
  path.starts = 1;
  path.lbfgs.max_steps = std::min(path.lbfgs.max_steps, most);
  path.lbfgs.gradient_tolerance = std::max(path.lbfgs.gradient_tolerance, 1e-3);
  return path;
}

/// The mean of ½ |y − x|² between points of consecutive sets.
double straight_unit(const SetSequence& sequence) {
  double sum = 0;
  for (std::int64_t t = 0; t < sequence.moves(); ++t) {
    const auto from = sequence.set(t), to = sequence.set(t + 1);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      // Of means and variances: over all pairs.
      double mean[2] = {}, square[2] = {};
      for (std::size_t k = axis; k < from.size(); k += 2) {
        const double x = from[k] - from[axis], y = to[k] - from[axis];  // far from 0 squares cancel
        mean[0] += x;
        mean[1] += y;
        square[0] += x * x;
        square[1] += y * y;
      }
      const auto count = static_cast<double>(sequence.of_set);
      sum += 0.5 * (square[0] + square[1]) / count - mean[0] * mean[1] / (count * count);
    }
  }
  const double unit = sum / static_cast<double>(sequence.moves());
  return unit > 0 ? unit : 1;
}

/// The same metric in all directions, on the same grid.
kernels::DirectionsLagrangian without_directions(kernels::DirectionsLagrangian lagrangian) {
  lagrangian.values = std::make_shared<const std::vector<double>>(lagrangian.values->size(), 0.0);
  return lagrangian;
}

}  // namespace

MetricTrainer::MetricTrainer(const MetricTrainerSettings& settings,
                             const distributed::Communicator& communicator,
                             const SetSequence& sequence, MetricModel& model)
    : DataParallelTrainer(settings.optimizer, communicator, model,
                          sequence.moves() * std::min(settings.batch, sequence.of_set)),
      settings_(settings),
      sequence_(sequence),
      model_(model),
      unit_(straight_unit(sequence)) {
  settings_.batch = std::min(settings.batch, sequence.of_set);
  const auto shard =
      distributed::block_shard(sequence.moves(), communicator.rank(), communicator.size());
  first_ = shard.begin;
  moves_ = shard.size();
  const auto lagrangian = model.lagrangian();
  constexpr int coupling_steps = 8, metric_steps = 20, coupling_points = 10;
  auto rough = with_steps(settings.path, coupling_steps);
  rough.nodes = std::min(rough.nodes, coupling_points);
  rough.points = std::min(rough.points, coupling_points);
  coupling_.emplace(lagrangian, 2, rough);
  paths_.emplace(lagrangian, 2, with_steps(settings.path, metric_steps));
}

std::vector<double> MetricTrainer::draw(std::int64_t set) {
  const auto of_set = static_cast<std::size_t>(sequence_.of_set);
  const kernels::CounterRandom random(static_cast<std::uint64_t>(settings_.seed),
                                      draw_stream + static_cast<std::uint64_t>(set));
  const auto round = static_cast<std::uint64_t>(update_.state().step / settings_.couple_every);
  std::vector<std::size_t> order(of_set);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto points = sequence_.set(set);
  std::vector<double> drawn;
  for (std::size_t k = 0; k < static_cast<std::size_t>(settings_.batch); ++k) {
    const auto other = k + random.below(of_set - k, round * of_set + k);
    std::swap(order[k], order[other]);
    drawn.push_back(points[2 * order[k]]);
    drawn.push_back(points[2 * order[k] + 1]);
  }
  return drawn;
}

void MetricTrainer::couple(const kernels::Lagrangian& lagrangian) {
  coupling_->change(lagrangian);
  x_.clear();
  y_.clear();
  for (std::int64_t t = first_; t < first_ + moves_; ++t) {
    const auto from = draw(t), to = draw(t + 1);
    const auto costs = actions_of_all_pairs(*coupling_, from, to, false);
    // Costs that are not finite come from weights that are not: the loss will say so.
    std::vector<std::int64_t> partner(static_cast<std::size_t>(settings_.batch));
    std::iota(partner.begin(), partner.end(), std::int64_t{0});
    if (std::all_of(costs.begin(), costs.end(), [](double cost) { return std::isfinite(cost); }))
      partner = best_assignment(costs, settings_.batch);
    x_.insert(x_.end(), from.begin(), from.end());
    for (const std::int64_t j : partner)
      for (std::size_t axis = 0; axis < 2; ++axis)
        y_.push_back(to[2 * static_cast<std::size_t>(j) + axis]);
  }
  coefficients_.assign(x_.size() * static_cast<std::size_t>(paths_->coefficients()), 0.0);
  coupled_ = true;
}

void MetricTrainer::orient(const GradientListener& listener) {
  std::vector<double> places, directions;
  for (std::size_t k = 0; k < x_.size(); k += 2) {
    const double dx = y_[k] - x_[k], dy = y_[k + 1] - x_[k + 1], length = std::hypot(dx, dy);
    if (length == 0) continue;
    places.push_back((x_[k] + y_[k]) / 2);
    places.push_back((x_[k + 1] + y_[k + 1]) / 2);
    directions.push_back(dx / length);
    directions.push_back(dy / length);
  }
  model_.backward_to(places, directions, 1 / static_cast<double>(points_of_step()), listener);
}

void MetricTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  std::vector<double> slope;
  if (moves_ > 0) {
    const auto lagrangian = model_.lagrangian(true);
    clock_.lap(seconds_.forward);
    const std::int64_t step = update_.state().step;
    if (!coupled_ || step % settings_.couple_every == 0 || step == settings_.orient_steps)
      couple(orients() ? without_directions(lagrangian) : lagrangian);
    clock_.lap(seconds_.data);
    paths_->change(lagrangian);
    auto found = paths_->solve(x_, y_, {.coefficients = true}, coefficients_);
    coefficients_ = std::move(found.coefficients);
    clock_.lap(seconds_.solve);
    const double share = 1 / static_cast<double>(points_of_step());
    double figures[3] = {0, 0, 0};
    for (std::size_t k = 0; k < found.action.size(); ++k) {
      figures[0] += share * found.action[k] / unit_;
      figures[1] += share * found.residual[k];
    }
    if (!orients()) slope = paths_->grid_slope(x_, y_, coefficients_, share / unit_);
    row.rows(DataParallelStep::loss, DataParallelStep::lost_samples + 1).upload(figures);
    clock_.lap(seconds_.loss);
  }
  const auto pass = [&](const GradientListener& listener) {
    if (orients() && moves_ > 0)
      orient(listener);
    else
      model_.backward(slope, listener);
  };
  update_.run(pass, row, rate, clock_, seconds_);
}

}  // namespace otfleet

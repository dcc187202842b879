#include "src/families/neural_dual/dual_trainer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "kernels/counter_random.hpp"
#include "src/families/least_action/annealing.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"

namespace otfleet {
namespace {

/// Of the numbers that say which y an x is paired with.
constexpr std::uint64_t pair_stream = 0x7061697273;

int part_of(std::int64_t batch, const distributed::Communicator& communicator) {
  return static_cast<int>(
      distributed::block_shard(batch, communicator.rank(), communicator.size()).size());
}

}  // namespace

DualTrainerSettings dual_trainer_settings(const Job& job) {
  DualTrainerSettings settings;
  settings.batch = job.train.batch;
  settings.loss = job.train.loss;
  settings.conjugate = job.conjugate;
  settings.conjugate.tolerance = job.train.conjugate_tolerance;
  if (job.train.regularizer == Regularizer::expectile)
    settings.regularizer =
        kernels::ExpectileSettings{job.train.expectile, job.train.regularizer_weight};
  settings.cost = read_least_action_cost(job);
  settings.anneal_steps = job.train.anneal_steps;
  settings.optimizer = optimizer_settings(job);
  return settings;
}

DualTrainer::DualTrainer(const DualTrainerSettings& settings,
                         const distributed::Communicator& communicator, const Sampler& source,
                         const Sampler& target, NeuralDual& model)
    : DataParallelTrainer(settings.optimizer, communicator, model, settings.batch),
      settings_(settings),
      communicator_(communicator),
      x_sampler_(model.side() == PotentialSide::source ? source : target),
      y_sampler_(model.side() == PotentialSide::source ? target : source),
      model_(model),
      potential_(model.potential<float>(), part_of(settings.batch, communicator) *
                                               (settings.cost ? settings.cost->path.starts : 1)),
      dual_(settings, part_of(settings.batch, communicator), model.description().dimension) {
  const auto shard =
      distributed::block_shard(settings.batch, communicator.rank(), communicator.size());
  first_ = shard.begin;
  count_ = shard.size();
  const auto rows = static_cast<std::size_t>(count_);
  const auto dimension = static_cast<std::size_t>(model.description().dimension);
  drawn_.resize(rows * dimension);
  using Points = DeviceArray<float, 2>;
  y_ = Points("otfleet::training::y", rows, dimension);
  x_host_ = dual_.x().staging();
  y_host_ = y_.staging();
  prediction_ = Points("otfleet::training::prediction", rows, dimension);
  slope_ = Points("otfleet::training::slope", rows, dimension);
  if (const auto numbers = static_cast<std::size_t>(model.path_numbers()); numbers > 0) {
    paths_ = Points("otfleet::training::predicted_paths", rows, numbers);
    path_slope_ = Points("otfleet::training::path_slope", rows, numbers);
  }
}

void DualTrainer::draw() {
  const std::int64_t step = update_.state().step, batch = settings_.batch;
  // Samples of the batch, from number `shift` on, around its end.
  const auto draw_from = [&](const Sampler& sampler, const StandardCoordinates& coordinates,
                             std::int64_t shift, const HostValues<float>& host,
                             const DeviceArray<float, 2>& to) {
    const std::int64_t begin = (first_ + shift) % batch, before = std::min(count_, batch - begin);
    sampler.fill(step * batch + begin, before, drawn_.data());
    if (before < count_)
      sampler.fill(step * batch, count_ - before, drawn_.data() + before * sampler.dimension());
    coordinates.apply(drawn_);
    std::copy(drawn_.begin(), drawn_.end(), host.begin());
    to.upload(host);
  };
  std::int64_t shift = 0;
  if (settings_.regularizer)
    shift = static_cast<std::int64_t>(
        kernels::CounterRandom(0, pair_stream)
            .below(static_cast<std::uint64_t>(batch), static_cast<std::uint64_t>(step)));
  draw_from(x_sampler_, model_.x_coordinates(), 0, x_host_, dual_.x());
  draw_from(y_sampler_, model_.y_coordinates(), shift, y_host_, y_);
}

void DualTrainer::anneal() {
  if (!settings_.cost || settings_.anneal_steps == 0) return;
  const std::int64_t step = update_.state().step;
  if (step > settings_.anneal_steps) return;  // it is as it was made, or since the step before
  kernels::LeastActionCost cost = *settings_.cost;
  cost.lagrangian =
      kernels::annealed(cost.lagrangian, annealed_share(step, settings_.anneal_steps));
  dual_.change_cost(cost);
}

std::array<double, 3> DualTrainer::solve() {
  const double batch = static_cast<double>(settings_.batch);
  dual_.evaluate(potential_, y_, prediction_, batch, slope_);
  clock_.lap(seconds_.loss);
  const auto loss = dual_.solve(potential_, y_, prediction_, batch, paths_);
  figures_.add(count_, loss);
  clock_.lap(seconds_.solve);
  dual_.finish(prediction_, batch, slope_);
  if (!paths_.empty()) dual_.finish_paths(paths_, batch, path_slope_);
  return {loss.value, loss.start_residuals / batch, loss.left_out};
}

void DualTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  const bool learns = settings_.loss != TrainingLoss::none;
  if (count_ > 0) {
    anneal();
    draw();
    clock_.lap(seconds_.data);
    model_.predict(y_, prediction_, paths_, learns);
    if (!paths_.empty()) dual_.vary_bows(update_.state().step, first_);
    clock_.lap(seconds_.forward);
    row.rows(DataParallelStep::loss, DataParallelStep::lost_samples + 1).upload(solve());
  }
  const auto pass = [&](const GradientListener& listener) {
    if (settings_.loss == TrainingLoss::cycle && count_ > 0) {
      model_.cycle_slope(prediction_, y_, 1 / static_cast<double>(settings_.batch), slope_);
      dual_.clear_lost_rows(slope_);
    }
    model_.backward(dual_.points(), dual_.weights(), learns ? slope_ : DeviceArray<float, 2>(),
                    learns ? path_slope_ : DeviceArray<float, 2>(), listener);
  };
  update_.run(pass, row, rate, clock_, seconds_);
  model_.make_convex();
}

ConjugateFigures DualTrainer::conjugate_figures() const {
  return sum_over_ranks(figures_, communicator_);
}

void ConjugateFigures::add(std::int64_t count, const kernels::DualLoss& loss) {
  points += count;
  steps += static_cast<std::int64_t>(loss.steps);
  evaluations += static_cast<std::int64_t>(loss.evaluations);
  converged += static_cast<std::int64_t>(loss.converged);
  left_out += static_cast<std::int64_t>(loss.left_out);
}

ConjugateFigures sum_over_ranks(ConjugateFigures figures,
                                const distributed::Communicator& communicator) {
  for (std::int64_t* one : {&figures.points, &figures.steps, &figures.evaluations,
                            &figures.converged, &figures.left_out})
    *one = communicator.all_reduce(*one, distributed::Reduction::sum);
  return figures;
}

nlohmann::json conjugates_json(const ConjugateFigures& figures) {
  const auto share = [&](std::int64_t count) {
    return figures.points > 0 ? static_cast<double>(count) / static_cast<double>(figures.points)
                              : 0.0;
  };
  return {{"points", figures.points},
          {"iterations", share(figures.steps)},
          {"evaluations", share(figures.evaluations)},
          {"converged", share(figures.converged)},
          {"left_out", figures.left_out}};
}

}  // namespace otfleet

#include "src/families/conditional_map/flow_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "kernels/api/losses.hpp"
#include "kernels/api/optimizer.hpp"
#include "src/families/conditional_map/paired_clouds.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/families/neural_dual/scores/assignment.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t time_numbers = 0x74696d65, pair_numbers = 0x70616972;

/// Between points of the source and of the target, in standard coordinates, over the first
/// problems.
double mean_cost(const CloudPopulation& population, const Standardization& standard) {
  const std::int64_t problems = std::min<std::int64_t>(population.problems(), 64);
  double sum = 0;
  for (std::int64_t k = 0; k < problems; ++k) {
    const auto at = static_cast<std::size_t>(k);
    sum += mean_cost_between(moments_of(population.sources, population.source[at],
                                        population.dimension, standard.source),
                             moments_of(population.target_table(), population.target[at],
                                        population.dimension, standard.target));
  }
  return sum > 0 ? sum / static_cast<double>(problems) : 1;  // one point has no costs
}

/// Costs [B, B] between the samples of problem `which`.
std::vector<double> costs_of(const CloudTable& sources, const CloudTable& targets,
                             std::size_t which, std::size_t of_one, std::size_t dimension) {
  std::vector<double> costs(of_one * of_one);
  const double* const x = sources.points.data() + which * of_one * dimension;
  const double* const y = targets.points.data() + which * of_one * dimension;
  for (std::size_t i = 0; i < of_one; ++i)
    for (std::size_t j = 0; j < of_one; ++j)
      costs[i * of_one + j] = squared_distance(x + i * dimension, y + j * dimension,
                                               static_cast<std::int64_t>(dimension));
  return costs;
}

/// A column of one row of a plan, drawn by its mass: `number` in [0, 1). `g`: potentials.
std::size_t drawn_column(std::span<const double> cost, std::span<const double> g, double epsilon,
                         double number, std::vector<double>& sums) {
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < cost.size(); ++j) largest = std::fmax(largest, g[j] - cost[j]);
  double sum = 0;
  for (std::size_t j = 0; j < cost.size(); ++j)
    sums[j] = sum += std::exp((g[j] - cost[j] - largest) / epsilon);
  const auto last = sums.begin() + static_cast<std::ptrdiff_t>(cost.size()) - 1;
  return static_cast<std::size_t>(
      std::min(std::upper_bound(sums.begin(), last + 1, number * sum), last) - sums.begin());
}

}  // namespace

FlowTrainerSettings flow_trainer_settings(const Job& job) {
  return {problem_batch_settings(job), job.train.coupling, job.train.coupling_epsilon,
          optimizer_settings(job)};
}

FlowTrainer::FlowTrainer(const FlowTrainerSettings& settings,
                         const distributed::Communicator& communicator,
                         const CloudPopulation& population, VelocityModel& model)
    : DataParallelTrainer(settings.optimizer, communicator, model,
                          settings.problems.batch * settings.problems.points),
      settings_(settings),
      model_(model),
      batches_(settings.problems, communicator, population, model.description()),
      times_random_(settings.problems.seed, time_numbers),
      pairs_random_(settings.problems.seed, pair_numbers),
      epsilon_(settings.epsilon * mean_cost(population, model.description().standardization)) {
  const std::size_t rows = batches_.count() * static_cast<std::size_t>(settings.problems.points);
  const auto dimension = static_cast<std::size_t>(population.dimension);
  for (auto* all : {&points_, &velocity_, &wanted_, &slope_})
    *all = DeviceArray<float, 2>("otfleet::training::samples", rows, dimension);
  times_ = DeviceArray<float, 2>("otfleet::training::times", rows, std::size_t{1});
  points_host_ = points_.staging();
  times_host_ = times_.staging();
  wanted_host_ = wanted_.staging();
}

std::vector<std::size_t> FlowTrainer::couple() {
  const auto of_one = static_cast<std::size_t>(settings_.problems.points);
  const auto dimension = static_cast<std::size_t>(model_.description().dimension);
  const std::size_t count = batches_.count();
  std::vector<std::size_t> partner(count * of_one);
  if (settings_.coupling == Coupling::independent) {
    for (std::size_t at = 0; at < partner.size(); ++at) partner[at] = at % of_one;
    return partner;
  }
  const std::vector<double> x(batches_.x().begin(), batches_.x().end()),
      y(batches_.y().begin(), batches_.y().end());
  CloudPopulation samples = no_pairs(model_.description().dimension);
  for (std::size_t k = 0; k < count; ++k) {
    const auto own = [&](const std::vector<double>& all) {
      return std::span(all).subspan(k * of_one * dimension, of_one * dimension);
    };
    add_pair(samples, own(x), own(y));
  }
  std::vector<std::vector<double>> costs;
  for (std::size_t k = 0; k < count; ++k)
    costs.push_back(costs_of(samples.sources, samples.targets, k, of_one, dimension));
  if (settings_.coupling == Coupling::exact) {
    for (std::size_t k = 0; k < count; ++k) {
      const auto best = best_assignment(costs[k], settings_.problems.points);
      std::copy(best.begin(), best.end(),
                partner.begin() + static_cast<std::ptrdiff_t>(k * of_one));
    }
    return partner;
  }
  const PopulationView view(samples);
  const PopulationSolver solver(view, epsilon_);
  SolveSeconds seconds;
  SolverOptions options;
  options.threshold = 1e-2;  // a row is drawn from: more exact marginals change nothing
  const auto solved = solver.solve({0, samples.problems()}, options, nullptr, {}, seconds);
  std::vector<double> sums(of_one);
  for (std::size_t at = 0; at < partner.size(); ++at) {
    const std::size_t k = at / of_one, row = at % of_one;
    const auto number =
        static_cast<std::uint64_t>(batches_.first_sample(update_.state().step)) + at;
    partner[at] = drawn_column(std::span(costs[k]).subspan(row * of_one, of_one),
                               std::span(solved.g).subspan(k * of_one, of_one), epsilon_,
                               pairs_random_.uniform(number), sums);
  }
  return partner;
}

void FlowTrainer::step(double rate) {
  clock_.begin_step();
  const auto row = update_.figures_of_step();
  if (batches_.count() > 0) {
    batches_.draw(update_.state().step);
    clock_.lap(seconds_.data);
    const auto partner = couple();
    clock_.lap(seconds_.solve);
    const auto of_one = static_cast<std::size_t>(settings_.problems.points);
    const auto dimension = static_cast<std::size_t>(model_.description().dimension);
    const auto first = static_cast<std::uint64_t>(batches_.first_sample(update_.state().step));
    for (std::size_t at = 0; at < partner.size(); ++at) {
      const double time = (static_cast<double>(at % of_one) + times_random_.uniform(first + at)) /
                          static_cast<double>(of_one);
      times_host_[at] = static_cast<float>(time);
      const float* const x = batches_.x().data() + at * dimension;
      const float* const y = batches_.y().data() + (at / of_one * of_one + partner[at]) * dimension;
      for (std::size_t i = 0; i < dimension; ++i) {
        wanted_host_[at * dimension + i] = y[i] - x[i];
        points_host_[at * dimension + i] = x[i] + static_cast<float>(time) * (y[i] - x[i]);
      }
    }
    points_.upload(points_host_);
    times_.upload(times_host_);
    wanted_.upload(wanted_host_);
    model_.run(points_, times_, batches_.seen().contexts, velocity_, true);
    clock_.lap(seconds_.forward);
    const double samples =
        static_cast<double>(settings_.problems.batch * settings_.problems.points);
    kernels::scaled_difference(velocity_, wanted_, 2 / samples, slope_);
    const auto square = row.rows(DataParallelStep::loss, DataParallelStep::loss + 1);
    kernels::squared_norm(slope_.flat(), square);
    const double loss = square.download()[0] * samples / 4;
    const double figures[] = {loss, loss, 0};
    row.rows(DataParallelStep::loss, DataParallelStep::lost_samples + 1).upload(figures);
    clock_.lap(seconds_.loss);
  }
  update_.run([&](const GradientListener& listener) { model_.backward(slope_, listener); }, row,
              rate, clock_, seconds_);
}

}  // namespace otfleet

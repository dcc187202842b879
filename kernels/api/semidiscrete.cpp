#include "kernels/api/semidiscrete.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "kernels/api/detail/merged_points.hpp"
#include "kernels/api/detail/semidiscrete_bounds.hpp"
#include "kernels/api/detail/semidiscrete_start.hpp"
#include "kernels/backend.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/solvers/semidiscrete/marginal_bounds.hpp"

namespace otfleet::kernels {
namespace {

using detail::Ascent;
using detail::MergedPoints;
using detail::NoiseWinners;
using detail::PotentialValues;

constexpr int batch = NoiseWinners::batch;

/// Streams of samples, which have nothing in common.
enum class Stream : std::uint64_t { start, steps, checks, certificate, assignments };

}  // namespace

namespace detail {

/// What fresh samples say of a solution.
struct Judgment {
  PlanSamples plan;    ///< of potentials without regularization
  Hits hits;           ///< of the plan that is asked for
  SampleMoments cost;  ///< |x − y|² − |x|² − |mean|² of that plan
};

}  // namespace detail

using detail::Judgment;

struct SemidiscreteProblem::State {
  SemidiscreteSettings settings;
  MergedPoints points;
  PotentialValues mean;     ///< [d], by weights
  PotentialValues squares;  ///< [N], |y|² around the mean
  detail::UnitPoints unit_points;
  double longest = 0;
  double unit = 1;  ///< of scores: the scale of noise times the longest point
  CounterRandom random{0, 0};
  std::optional<NoiseWinners> winners;
  std::vector<detail::PointClusters> clusters;  ///< by levels
  std::vector<detail::PointClusters> above;     ///< the same, of all points
  Ascent ascent;
  double error = std::numeric_limits<double>::infinity();  ///< of the last check
  Status status = Status::iteration_limit;

  std::size_t dimension() const { return mean.size(); }
  std::size_t count() const { return points.weights.size(); }
  std::uint64_t seed(Stream stream) const {
    return random.bits(static_cast<std::uint64_t>(stream));
  }
  /// Where no step was made: of potentials 0.
  void have_averages() {
    if (!ascent.averages.empty()) return;
    for (const double square : squares) ascent.averages.push_back(-square / unit);
  }
  bool soft() const { return settings.epsilon > 0 && count() > 1; }
  bool due() const;
  void check();
  std::int64_t batches_of_certificate() const;
  /// g of the points around their mean, in costs, of mean 0.
  PotentialValues potentials_of_centered() const;
  /// By fresh samples; `along_mean` [N]: <y − mean, mean>.
  Judgment judge(const PotentialValues& potential, const PotentialValues& along_mean);
};

bool SemidiscreteProblem::State::due() const {
  // At the steps 8, 10, 12, 15, … every one a quarter more than the one before.
  int next = 8;
  while (next < ascent.steps) next += next / 4;
  return next == ascent.steps;
}

void SemidiscreteProblem::State::check() {
  constexpr std::int64_t groups = 4;
  const std::int64_t each = winners->samples_of_batch(),
                     made = ascent.steps * detail::samples_of_step(count(), each);
  // As many samples as tell the threshold from twice the error of the estimate; and of those that
  // steps take a part, so that checks take little. Rotations of a batch depend on each other.
  const double square = settings.threshold * settings.threshold,
               needed = 8 * std::sqrt(2 * static_cast<double>(count())) / square;
  const double most = static_cast<double>(made) / 8, at_once = static_cast<double>(groups * each);
  if (!(needed + at_once <= most)) return;
  const std::int64_t batches = static_cast<std::int64_t>(needed / at_once) + 1;
  std::vector<std::vector<std::int64_t>> hits(groups, std::vector<std::int64_t>(count(), 0));
  winners->set_heights(ascent.averages);
  std::int64_t number = static_cast<std::int64_t>(ascent.steps) << 24;
  for (auto& group : hits)
    for (std::int64_t k = 0; k < batches; ++k)
      detail::count_winners(winners->winners(seed(Stream::checks), number++, true, true), group);
  const auto found = detail::chi_square_of_groups(points.weights, hits, batches * each);
  error = std::sqrt(std::max(found.value, 0.0) + 2 * found.error);
  status = error <= settings.threshold ? Status::converged : Status::iteration_limit;
}

SemidiscreteProblem::SemidiscreteProblem(int dimension, const WeightedPoints& target,
                                         const SemidiscreteSettings& settings, std::uint64_t seed,
                                         std::uint64_t stream)
    : state_(std::make_shared<State>()) {
  if (dimension < 1 || !(settings.noise.scale > 0) || !std::isfinite(settings.noise.scale) ||
      !(settings.epsilon >= 0) || !(settings.threshold > 0))
    throw std::invalid_argument("noise has a scale, and a solution a threshold, above 0");
  State& state = *state_;
  const auto d = static_cast<std::size_t>(dimension);
  state.settings = settings;
  state.random = CounterRandom(seed, stream);
  state.points = detail::merge_points(target, d, CounterRandom(state.random.bits(16), 0));
  const std::size_t m = state.count();
  if (m > static_cast<std::size_t>(std::numeric_limits<int>::max() - 1024))
    throw std::invalid_argument("too many points for one problem");
  state.mean.assign(d, 0.0);
  for (std::size_t j = 0; j < m; ++j)
    for (std::size_t c = 0; c < d; ++c)
      state.mean[c] += state.points.weights[j] * state.points.points[j * d + c];
  state.squares.assign(m, 0.0);
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t c = 0; c < d; ++c) {
      const double y = state.points.points[j * d + c] - state.mean[c];
      state.squares[j] += y * y;
    }
    state.longest = std::max(state.longest, std::sqrt(state.squares[j]));
  }
  if (!(state.longest > 0)) state.longest = 1;  // one point
  state.unit = state.longest * settings.noise.scale;
  const double ratio = state.longest / settings.noise.scale;
  if (!std::isfinite(state.longest * state.longest) || !(ratio < 1e30) || !(ratio > 1e-30))
    throw std::invalid_argument("points are too far apart, or too close, beside the noise");
  auto& in_units = state.unit_points;
  in_units = {settings.noise.kind,       settings.epsilon / state.unit, d,
              std::vector<float>(m * d), state.points.weights,          state.squares};
  for (std::size_t j = 0; j < m; ++j) {
    in_units.squares[j] /= state.longest * state.longest;
    for (std::size_t c = 0; c < d; ++c)
      in_units.rows[j * d + c] =
          static_cast<float>((state.points.points[j * d + c] - state.mean[c]) / state.longest);
  }
  state.winners.emplace(in_units.winners(1));
  if (dimension <= settings.warm_start_coordinates)
    state.clusters = detail::cluster_points(in_units);
}

double SemidiscreteProblem::bytes(std::int64_t m, int dimension) {
  constexpr double block = Backend<DeviceSpace>::score_block;
  const double points = static_cast<double>(m);
  return points * (24.0 * dimension + 256) + 8.0 * batch * std::min(points + 64, block);
}

void SemidiscreteProblem::run(int limit, IterationObserver* observer, int number) const {
  State& state = *state_;
  if (state.count() == 1) {
    state.ascent = Ascent({0.0});
    state.error = 0;
    state.status = Status::converged;
    return;
  }
  if (state.ascent.heights.empty()) {
    auto start = detail::heights_by_levels(
        state.unit_points, state.clusters, state.seed(Stream::start),
        [&] { return observer == nullptr || observer->goes_on(number, 0, state.error); });
    if (start.empty()) {
      state.status = Status::ended;
      return;
    }
    state.ascent = Ascent(std::move(start));
    state.above = detail::clusters_above(state.clusters, 0);
  }
  for (int made = 0; state.status != Status::converged && made < limit; ++made) {
    if (observer != nullptr && !observer->goes_on(number, made, state.error)) {
      state.status = Status::ended;
      return;
    }
    detail::climb(*state.winners, state.points.weights, state.above, state.seed(Stream::steps),
                  state.ascent);
    state.status = Status::iteration_limit;
    if (state.due()) state.check();
  }
}

int SemidiscreteProblem::iterations() const {
  return state_->ascent.steps;
}

int SemidiscreteProblem::status() const {
  return static_cast<int>(state_->status);
}

std::vector<double> SemidiscreteProblem::progress() const {
  const State& state = *state_;
  std::vector<double> values = {static_cast<double>(state.ascent.steps), state.ascent.pace,
                                state.status == Status::converged ? 1.0 : 0.0,
                                state.ascent.heights.empty() ? 0.0 : 1.0};
  for (const auto& level : state.clusters) values.push_back(level.pace);
  const auto& ascent = state.ascent;
  for (const auto* part : {&ascent.heights, &ascent.averages}) {
    values.insert(values.end(), part->begin(), part->end());
    values.resize(values.size() + state.count() - part->size());
  }
  return values;
}

void SemidiscreteProblem::set_progress(std::span<const double> values) const {
  State& state = *state_;
  const std::size_t m = state.count();
  const std::size_t levels = state.clusters.size();
  if (values.size() != 4 + levels + 2 * m)
    throw std::invalid_argument("progress of another problem");
  state.ascent = Ascent();
  state.status = Status::iteration_limit;
  if (values[3] == 0) return;
  state.ascent.steps = static_cast<int>(values[0]);
  state.ascent.pace = values[1];
  if (values[2] != 0) state.status = Status::converged;
  for (std::size_t l = 0; l < levels; ++l) state.clusters[l].pace = values[4 + l];
  state.above = detail::clusters_above(state.clusters, 0);
  auto& ascent = state.ascent;
  std::size_t begin = 4 + levels;
  for (auto* part : {&ascent.heights, &ascent.averages}) {
    const auto from = values.subspan(begin, m);
    part->assign(from.begin(), from.end());
    begin += m;
  }
}

std::int64_t SemidiscreteProblem::State::batches_of_certificate() const {
  const double points = static_cast<double>(count()),
               square = settings.threshold * settings.threshold,
               cheap = 1e11 / (points * static_cast<double>(dimension())),
               made =
                   static_cast<double>(ascent.steps) * static_cast<double>(detail::samples_of_step(
                                                           count(), winners->samples_of_batch()));
  const double wanted =
      settings.certificate_samples > 0
          ? static_cast<double>(settings.certificate_samples)
          : std::max({1e4, std::min(2 * std::sqrt(2 * points) / square, made / 10),
                      std::min(100 * points, cheap)});
  const std::int64_t batches = (static_cast<std::int64_t>(wanted) + batch - 1) / batch;
  return std::max<std::int64_t>(2, (batches + 1) / 2 * 2);  // two halves
}

PotentialValues SemidiscreteProblem::State::potentials_of_centered() const {
  PotentialValues potential(count());
  double mean_potential = 0;
  for (std::size_t j = 0; j < count(); ++j) {
    potential[j] = ascent.averages[j] * unit + squares[j] -
                   (soft() ? settings.epsilon * std::log(points.weights[j]) : 0);
    mean_potential += points.weights[j] * potential[j];
  }
  for (double& one : potential) one -= mean_potential;
  return potential;
}

Judgment SemidiscreteProblem::State::judge(const PotentialValues& potential,
                                           const PotentialValues& along_mean) {
  const std::size_t m = count(), d = dimension();
  const std::int64_t batches = batches_of_certificate();
  Judgment judgment;
  judgment.plan.hits = {std::vector<std::int64_t>(m, 0), std::vector<std::int64_t>(m, 0),
                        batches / 2 * batch};
  judgment.hits = judgment.plan.hits;
  PotentialValues hard_heights(m);
  for (std::size_t j = 0; j < m; ++j) hard_heights[j] = (potential[j] - squares[j]) / unit;
  const double scale = settings.noise.scale;
  for (std::int64_t k = 0; k < batches; ++k) {
    winners->set_heights(hard_heights);
    const auto keys = winners->winners(seed(Stream::certificate), k, false, false);
    auto chosen = keys;
    if (soft()) {
      winners->set_heights(ascent.averages);
      chosen = winners->winners(seed(Stream::certificate), k, false, true);
    }
    const auto x = winners->samples();
    for (int row = 0; row < batch; ++row) {
      const auto at = static_cast<std::size_t>(row);
      const auto winner = static_cast<std::size_t>(point_of(keys[at])),
                 taker = static_cast<std::size_t>(point_of(chosen[at]));
      auto &hard = judgment.plan.hits, &asked = judgment.hits;
      ++(k % 2 == 0 ? hard.first : hard.second)[winner];
      ++(k % 2 == 0 ? asked.first : asked.second)[taker];
      // |x − y|² − |x|² of points around their mean.
      const auto cost_of = [&](std::size_t j) {
        double product = 0;
        for (std::size_t c = 0; c < d; ++c)
          product += static_cast<double>(x(row, c)) * (points.points[j * d + c] - mean[c]);
        return squares[j] - 2 * scale * product;
      };
      const double won = cost_of(winner), took = taker == winner ? won : cost_of(taker);
      judgment.plan.transform.add(won - potential[winner]);
      judgment.plan.potential.add(potential[winner]);
      judgment.plan.height.add(potential[winner] - squares[winner]);
      judgment.cost.add(took + 2 * along_mean[taker]);
    }
  }
  return judgment;
}

SemidiscreteResult SemidiscreteProblem::result() const {
  State& state = *state_;
  constexpr double failure = 1e-3, each = failure / 8;
  const std::size_t m = state.count(), d = state.dimension();
  state.have_averages();
  const PotentialValues potential = state.potentials_of_centered();
  PotentialValues along_mean(m, 0.0);  // <y − mean, mean>
  for (std::size_t j = 0; j < m; ++j)
    for (std::size_t c = 0; c < d; ++c)
      along_mean[j] += state.mean[c] * (state.points.points[j * d + c] - state.mean[c]);
  double mean_square = 0;
  for (const double one : state.mean) mean_square += one * one;
  const Judgment judgment = state.judge(potential, along_mean);
  const double samples = judgment.plan.count();

  SemidiscreteResult result;
  result.failure = failure;
  result.samples = 2 * judgment.plan.hits.samples;
  // The optimum is |mean|² + that of points around their mean, as noise has the mean 0.
  const double constant = detail::second_moment(state.settings.noise, d) + mean_square;
  result.transport_cost = constant + judgment.cost.mean(samples);
  result.transport_error = std::sqrt(judgment.cost.variance(samples) / samples);
  result.dual_value = constant + judgment.plan.transform.mean(samples);
  const auto bounds = detail::optimum_bounds({state.points.weights, state.squares, potential,
                                              mean_square, state.longest, d, state.settings.noise},
                                             judgment.plan, each);
  result.lower_bound = bounds.lower;
  result.upper_bound = bounds.upper;
  const auto marginals =
      state.soft() ? marginal_bounds(state.points.weights, judgment.hits, each) : bounds.marginals;
  result.marginal_error = marginals.estimate;
  result.marginal_lower = marginals.lower;
  result.marginal_upper = marginals.upper;
  std::vector<std::int64_t> both = judgment.hits.first;
  for (std::size_t j = 0; j < m; ++j) both[j] += judgment.hits.second[j];
  // The estimate has an error of its own; what is beyond three of it refutes the ascent's check.
  const auto found = detail::chi_square(state.points.weights, both, result.samples);
  const double square = state.settings.threshold * state.settings.threshold;
  result.status = static_cast<int>(state.status);
  if (state.status == Status::iteration_limit && found.value + 2 * found.error <= square)
    result.status = static_cast<int>(Status::converged);
  if (state.status == Status::converged && m > 1 && found.value > square + 3 * found.error)
    result.status = static_cast<int>(Status::precision_limit);
  result.potential.assign(state.points.given, -std::numeric_limits<double>::infinity());
  for (std::size_t j = 0; j < m; ++j)
    for (const auto at : state.points.members(j))
      result.potential[static_cast<std::size_t>(at)] = potential[j] + 2 * along_mean[j];
  return result;
}

SemidiscreteProblem::Assignments SemidiscreteProblem::assign(std::int64_t first, std::int64_t count,
                                                             bool with_noise) const {
  State& state = *state_;
  const std::size_t d = state.dimension();
  const auto stream = state.seed(Stream::assignments);
  const CounterRandom among(stream, std::numeric_limits<std::uint64_t>::max());
  Assignments result;
  state.have_averages();
  state.winners->set_heights(state.ascent.averages);
  for (std::int64_t number = first / batch; number * batch < first + count; ++number) {
    const auto keys = state.winners->winners(stream, number, false, true);
    const auto x = state.winners->samples();
    for (int row = 0; row < batch; ++row) {
      const std::int64_t sample = number * batch + row;
      if (sample < first || sample >= first + count) continue;
      const auto point = static_cast<std::size_t>(point_of(keys[static_cast<std::size_t>(row)]));
      result.point.push_back(static_cast<std::int32_t>(
          state.points.member(point, among.uniform(static_cast<std::uint64_t>(sample)))));
      if (with_noise)
        for (std::size_t c = 0; c < d; ++c)
          result.noise.push_back(state.settings.noise.scale * static_cast<double>(x(row, c)));
    }
  }
  return result;
}

}  // namespace otfleet::kernels

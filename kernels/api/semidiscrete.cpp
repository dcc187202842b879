#include "kernels/api/semidiscrete.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "kernels/api/detail/merged_points.hpp"
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
  bool due() const;
  void check();
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

SemidiscreteResult SemidiscreteProblem::result() const {
  State& state = *state_;
  constexpr double failure = 1e-3, each = failure / 8;
  const std::size_t m = state.count(), d = state.dimension();
  const auto& weights = state.points.weights;
  const bool soft = state.settings.epsilon > 0 && m > 1;
  state.have_averages();
  SemidiscreteResult result;
  result.failure = failure;
  // Potentials of the points around their mean, in costs.
  PotentialValues potential(m);
  double mean_potential = 0;
  for (std::size_t j = 0; j < m; ++j) {
    potential[j] = state.ascent.averages[j] * state.unit + state.squares[j] -
                   (soft ? state.settings.epsilon * std::log(weights[j]) : 0);
    mean_potential += weights[j] * potential[j];
  }
  for (double& one : potential) one -= mean_potential;
  PotentialValues along_mean(m, 0.0);  // <y − mean, mean>
  double mean_square = 0;
  for (std::size_t c = 0; c < d; ++c) mean_square += state.mean[c] * state.mean[c];
  for (std::size_t j = 0; j < m; ++j)
    for (std::size_t c = 0; c < d; ++c)
      along_mean[j] += state.mean[c] * (state.points.points[j * d + c] - state.mean[c]);
  PotentialValues hard_heights(m);
  double lowest = INFINITY, highest = -INFINITY;
  for (std::size_t j = 0; j < m; ++j) {
    hard_heights[j] = (potential[j] - state.squares[j]) / state.unit;
    lowest = std::min(lowest, potential[j]);
    highest = std::max(highest, potential[j]);
  }

  const double square = state.settings.threshold * state.settings.threshold;
  const double points = static_cast<double>(m), cheap = 1e11 / (points * static_cast<double>(d)),
               made = static_cast<double>(state.ascent.steps) *
                      static_cast<double>(
                          detail::samples_of_step(m, state.winners->samples_of_batch()));
  const auto wanted = state.settings.certificate_samples > 0
                          ? static_cast<double>(state.settings.certificate_samples)
                          : std::max({1e4, std::min(2 * std::sqrt(2 * points) / square, made / 10),
                                      std::min(100 * points, cheap)});
  const std::int64_t batches =
      std::max<std::int64_t>(2, (static_cast<std::int64_t>(wanted) + batch - 1) / batch + 1) / 2 *
      2;
  const auto samples = static_cast<double>(batches * batch);
  result.samples = batches * batch;
  Hits hits{std::vector<std::int64_t>(m, 0), std::vector<std::int64_t>(m, 0), batches / 2 * batch},
      soft_hits = hits;
  // Sums over samples x of |x − y|² − |x|² for the point that wins, and of its potential.
  double values = 0, potentials = 0, potential_squares = 0, heights = 0, height_squares = 0,
         costs = 0, cost_squares = 0;
  const auto stream = state.seed(Stream::certificate);
  const double scale = state.settings.noise.scale;
  for (std::int64_t k = 0; k < batches; ++k) {
    state.winners->set_heights(hard_heights);
    const auto keys = state.winners->winners(stream, k, false, false);
    auto chosen = keys;
    if (soft) {
      state.winners->set_heights(state.ascent.averages);
      chosen = state.winners->winners(stream, k, false, true);
    }
    const auto x = state.winners->samples();
    for (int row = 0; row < batch; ++row) {
      const auto at = static_cast<std::size_t>(row);
      const auto winner = static_cast<std::size_t>(point_of(keys[at])),
                 taker = static_cast<std::size_t>(point_of(chosen[at]));
      ++(k % 2 == 0 ? hits.first : hits.second)[winner];
      if (soft) ++(k % 2 == 0 ? soft_hits.first : soft_hits.second)[taker];
      const auto less = [&](std::size_t j) {
        double product = 0;
        for (std::size_t c = 0; c < d; ++c)
          product +=
              static_cast<double>(x(row, c)) * (state.points.points[j * d + c] - state.mean[c]);
        return state.squares[j] - 2 * scale * product;
      };
      const double won = less(winner), took = taker == winner ? won : less(taker);
      values += won - potential[winner];
      potentials += potential[winner];
      potential_squares += potential[winner] * potential[winner];
      const double height = potential[winner] - state.squares[winner];
      heights += height;
      height_squares += height * height;
      const double cost = took + 2 * along_mean[taker];
      costs += cost;
      cost_squares += cost * cost;
    }
  }
  values /= samples;
  potentials /= samples;
  heights /= samples;
  height_squares /= samples;
  costs /= samples;
  // The optimum is |mean|² + that of points around their mean, as noise has the mean 0.
  const double variance_of_noise = state.settings.noise.kind == NoiseKind::gaussian ? 1.0 : 1.0 / 3;
  const double constant = static_cast<double>(d) * variance_of_noise * scale * scale;
  double second = 0, fourth = 0, least_height = INFINITY, most_height = -INFINITY;
  for (std::size_t j = 0; j < m; ++j) {
    second += weights[j] * state.squares[j];
    fourth += weights[j] * state.squares[j] * state.squares[j];
    least_height = std::min(least_height, potential[j] - state.squares[j]);
    most_height = std::max(most_height, potential[j] - state.squares[j]);
  }
  result.transport_cost = constant + mean_square + costs;
  result.dual_value = constant + mean_square + values;
  result.transport_error =
      std::sqrt(std::max(cost_squares / samples - costs * costs, 0.0) / (samples - 1));

  // The transform less |x|² is a maximum of linear functions, 2 · longest-Lipschitz, of x, which is
  // a Lipschitz function of a normal variable (Tsirelson, Ibragimov & Sudakov 1976).
  const double of_normal =
      state.settings.noise.kind == NoiseKind::gaussian ? 1.0 : 2 / std::sqrt(2 * M_PI);
  const double lipschitz = 2 * state.longest * scale * of_normal,
               slack = lipschitz * std::sqrt(2 * std::log(1 / each) / samples);
  // Winners by float scores are not always those of the least cost.
  const double largest_height =
      std::max(std::abs(lowest), std::abs(highest)) / state.unit + state.longest / scale;
  const double reach = std::sqrt(static_cast<double>(d)) + 12;
  const double rounding =
      state.unit * (static_cast<double>(d) + 8) * 0x1.0p-24 * (8 * reach + 4 * largest_height);
  // Of the mean and its square, by sums over all points.
  const double mean_rounding = 4 * (points + static_cast<double>(d) + 16) *
                               std::numeric_limits<double>::epsilon() * (mean_square + second);
  result.lower_bound =
      mean_square - mean_rounding + std::max(constant + values - slack - rounding, 0.0);
  const auto bounds = marginal_bounds(weights, hits, each);
  const double unbiased = samples / (samples - 1),
               spread = (potential_squares / samples - potentials * potentials) * unbiased;
  const double cost_of_winners =
      constant + values + slack + potentials + rounding +
      empirical_bernstein(std::max(spread, 0.0), highest - lowest, samples, each);
  // By the distance between shares and weights (Villani 2009, theorem 6.15), or by a plan that
  // keeps what goes to a point up to its weight, and sends the rest of the mass, `rest` or less, to
  // where some is missing, whichever sample it is. What a Lipschitz function of normal variables
  // has over a part of the mass exceeds its mean by its constant times sqrt(2 log(1/part)) at most.
  const double moved = std::min(2 * state.longest * state.longest * bounds.upper,
                                2 * bounds.chi_upper * std::sqrt(fourth)),
               by_distance =
                   std::pow(std::sqrt(std::max(cost_of_winners, 0.0)) + std::sqrt(moved), 2);
  const double rest = bounds.upper / 2, turn = std::exp(-0.5),
               excess = rest < turn ? (rest > 0 ? rest * std::sqrt(-2 * std::log(rest)) : 0) : turn,
               score = slack - values;  // E max_j (2 <x, y_j> + height_j), at most
  const double products =
      -values - slack - heights -  // of 2 <x, y>, at least
      empirical_bernstein(std::max((height_squares - heights * heights) * unbiased, 0.0),
                          most_height - least_height, samples, each);
  const double by_rerouting = constant + second - products +
                              std::max(rest * (score - least_height), 0.0) + 2 * lipschitz * excess;
  result.upper_bound = mean_square + mean_rounding + std::min(by_distance, by_rerouting + rounding);
  const auto judged = soft ? marginal_bounds(weights, soft_hits, each) : bounds;
  result.marginal_error = judged.estimate;
  result.marginal_lower = judged.lower;
  result.marginal_upper = judged.upper;
  // The estimate has an error of its own; what is beyond three of it refutes the ascent's check.
  const auto& judges = soft ? soft_hits : hits;
  std::vector<std::int64_t> both = judges.first;
  for (std::size_t j = 0; j < m; ++j) both[j] += judges.second[j];
  const auto found = detail::chi_square(weights, both, result.samples);
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

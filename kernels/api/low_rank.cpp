#include "kernels/api/low_rank.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "kernels/api/detail/low_rank_bound.hpp"
#include "kernels/api/detail/low_rank_clouds.hpp"
#include "kernels/api/detail/low_rank_start.hpp"
#include "kernels/device_views.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/solvers/low_rank/factor_projection.hpp"
#include "kernels/solvers/low_rank/objective.hpp"
#include "kernels/solvers/low_rank/paired_clusters.hpp"
#include "kernels/solvers/low_rank/soft_clusters.hpp"

namespace otfleet::kernels {
namespace {

using detail::append_squares;
using detail::dot;
using detail::draw;
using detail::longest_row;
using detail::moments_of_shape;
using detail::Numbers;
using detail::place;
using detail::represent;
using detail::upload_cloud;

constexpr double first_slopes = 20, first_step = 4, least_step = 1e-2, longest_step = 1e3;
constexpr double loose_tolerance = 1e-4;
constexpr int most_passes = 40, few_passes = 8, many_passes = 16;

}  // namespace

struct LowRankProblem::State {
  LowRankSettings settings;
  double cost_of_square = 1;  ///< the cost of points of squared distance 1
  double unit = 1;            ///< of lengths
  detail::PlacedCloud source, target;
  detail::DeviceCloud device_source, device_target;
  Representatives coarse_source, coarse_target;  ///< of the start and of the bound
  Representatives newton_source, newton_target;  ///< points of the measures, for Newton's matrix
  detail::CoarsePlan coarse;
  CounterRandom random{0, 0};
  double shift = 0;                               ///< squared distance of the means, in the unit
  double longest_source = 0, longest_target = 0;  ///< rows of points
  double constant = 0;  ///< what a plan without gain costs, in the unit; see LowRankObjectiveForm
  double cost_rounding = 0;  ///< of costs of points as they are given

  // Where it stands.
  LowRankFactors factors;
  Numbers source_rate, target_rate;  ///< [r], by which a step of length 1 moved the offsets; empty
  double step = 0, residual = std::numeric_limits<double>::infinity();
  double pace = 1;  ///< of steps: the less a form weighs, the longer they are
  int iterations = 0;
  Status status = Status::iteration_limit;

  std::size_t width() const { return source.width(); }
  bool matches_shapes() const { return settings.objective == LowRankObjective::gromov_wasserstein; }
  LowRankObjectiveForm objective() const { return {settings.objective, source.dimension()}; }
  /// The cost of the unit of `constant`, in the problem's.
  double unit_cost() const {
    const double square = unit * unit * cost_of_square;
    return matches_shapes() ? square * square : square;
  }
  const detail::CoarsePlan& coarse_plan_once() {
    if (coarse.images.empty())
      coarse = matches_shapes() ? detail::coarse_matching(coarse_source, coarse_target,
                                                          source.dimension(), random.bits(7))
                                : detail::coarse_plan(coarse_source, coarse_target, width());
    return coarse;
  }
  /// What sums of so many terms are off by at most, in the unit.
  double rounding(double terms) const {
    const double reach = (matches_shapes() ? 0 : std::sqrt(shift)) + std::sqrt(source.variance) +
                         std::sqrt(target.variance);
    const double most =
        matches_shapes() ? 4 * reach * reach * reach * reach + constant : reach * reach;
    // Masses of clusters are off by roundings of the whole mass, however far a cluster is.
    return terms * std::numeric_limits<double>::epsilon() *
           (2 * most + 2 * objective().cost_factor() * longest_source * longest_target);
  }
  /// The factors of rank 1.
  LowRankFactors product() const {
    const Numbers none(width(), 0.0);
    return {none, none, {0.0}, {0.0}, {0.0}};
  }
  bool trivial() const { return !(source.variance > 0) || !(target.variance > 0); }

  /// A pass over all points, for so many clusters.
  FactorProjection::Pass pass(int clusters) const {
    const auto over = [clusters](const detail::DeviceCloud& cloud) {
      return SoftClusters<DeviceSpace>(DeviceSpace(), view_of(cloud.points), view_of(cloud.weights),
                                       clusters);
    };
    return [from = over(device_source), to = over(device_target)](const LowRankFactors& at) {
      return FactorSums{from.sums(at.source_slopes, at.source_offsets),
                        to.sums(at.target_slopes, at.target_offsets)};
    };
  }

  void begin();
  /// The next step; false: it could not be projected.
  bool advance(const FactorProjection& projection, const FactorProjection::Pass& pass,
               FactorSums& sums);
  /// Where factors move the given points of the source, to means of centers.
  std::vector<double> projection(const LowRankFactors& at, const Numbers& centers) const;
};

std::vector<double> LowRankProblem::State::projection(const LowRankFactors& at,
                                                      const Numbers& centers) const {
  const std::size_t d = source.dimension(), w = width(), r = static_cast<std::size_t>(at.rank());
  Numbers images(source.given * d, std::numeric_limits<double>::quiet_NaN()), share(r);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const double* const x = source.points.data() + i * w;
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::size_t k = 0; k < r; ++k) {
      share[k] = at.source_offsets[k] + dot(at.source_slopes.data() + k * w, x, w);
      most = std::max(most, share[k]);
    }
    for (double& one : share) sum += one = std::exp(one - most);
    double* const image = images.data() + static_cast<std::size_t>(source.kept[i]) * d;
    std::fill(image, image + d, 0.0);
    for (std::size_t k = 0; k < r; ++k)
      for (std::size_t c = 0; c < d; ++c) image[c] += share[k] / sum * centers[k * d + c];
  }
  return images;
}

void LowRankProblem::State::begin() {
  const std::size_t w = width();
  coarse_plan_once();
  const auto clusters =
      pair_clusters(coarse_source.points, coarse.images, coarse_source.weights, static_cast<int>(w),
                    settings.rank, matches_shapes() ? ClusterScore::spread : ClusterScore::products,
                    random.bits(3));
  const auto r = static_cast<std::size_t>(clusters.rank());
  factors.source_offsets.assign(r, 0.0);
  factors.target_offsets.assign(r, 0.0);
  factors.log_masses.assign(r, 0.0);
  for (std::size_t k = 0; k < r; ++k) factors.log_masses[k] = std::log(clusters.masses[k]);
  Numbers targets = clusters.targets;
  // Where the coarse plan is too blurred to tell images apart, steps could not part them either:
  // they follow their points a little, as transport is monotone.
  constexpr double follow = 0.01;
  if (!matches_shapes())
    for (std::size_t at = 0; at < r * w; ++at)
      targets[at] += follow * std::sqrt(target.variance / source.variance) * clusters.sources[at];
  const Numbers moments = cross_moments(clusters.masses, clusters.sources, clusters.targets, w),
                form = objective().form(moments);
  if (matches_shapes()) pace = 1 / std::sqrt(dot(form.data(), form.data(), w * w));
  factors.source_slopes = times_form(form, targets, w, false);
  factors.target_slopes = times_form(form, clusters.sources, w, true);
  for (auto* slopes : {&factors.source_slopes, &factors.target_slopes})
    for (double& slope : *slopes) slope *= first_slopes * pace;
  step = first_step * pace;
  if (matches_shapes()) {
    for (std::size_t k = 0; k < r; ++k) {
      factors.source_offsets[k] -=
          dot(factors.source_slopes.data() + k * w, clusters.sources.data() + k * w, w);
      factors.target_offsets[k] -=
          dot(factors.target_slopes.data() + k * w, clusters.targets.data() + k * w, w);
    }
    return;
  }
  // Where clusters meet, by the potentials f(x) + g(y) = |x − y|² of the plan.
  for (std::size_t i = 0; i < coarse_source.weights.size(); ++i) {
    const auto k = static_cast<std::size_t>(clusters.member[i]);
    const double* const x = coarse_source.points.data() + i * w;
    const double share = coarse_source.weights[i] / clusters.masses[k],
                 square = dot(x, x, w) - coarse.potential[i],
                 other = 2 * dot(x, coarse.images.data() + i * w, w) - square;
    factors.source_offsets[k] -= first_slopes / 2 * share * other;
    factors.target_offsets[k] -= first_slopes / 2 * share * square;
  }
}

bool LowRankProblem::State::advance(const FactorProjection& projection,
                                    const FactorProjection::Pass& pass, FactorSums& sums) {
  const std::size_t w = width(), r = static_cast<std::size_t>(factors.rank());
  const Numbers from = centers_of(sums.source), to = centers_of(sums.target);
  const auto goal = objective();
  const Numbers moments = cross_moments(sums.source.masses, from, to, w), form = goal.form(moments),
                source_slope = times_form(form, to, w, false),
                target_slope = times_form(form, from, w, true);
  LowRankFactors given = factors;
  for (std::size_t at = 0; at < r * w; ++at) {
    given.source_slopes[at] += step * source_slope[at];
    given.target_slopes[at] += step * target_slope[at];
  }
  LowRankFactors next = given;
  for (std::size_t k = 0; k < r; ++k) {
    const double product = dot(from.data() + k * w, source_slope.data() + k * w, w);
    given.log_masses[k] -= step * product;
    next.source_offsets[k] += step * (source_rate.empty() ? -product / 2 : source_rate[k]);
    next.target_offsets[k] += step * (target_rate.empty() ? -product / 2 : target_rate[k]);
  }
  // What is left of it is noise in the residual.
  double fastest = 1;
  for (const auto* rates : {&source_rate, &target_rate})
    for (const double rate : *rates) fastest = std::max(fastest, std::abs(rate));
  const double tolerance = std::clamp(0.1 * settings.threshold / fastest, 1e-12, loose_tolerance);
  const auto result = projection.project(given, tolerance, most_passes, pass, next);
  // Longer steps lower the cost more, unless they go too far.
  if (!result.done ||
      goal.gain(cross_moments(result.sums.source.masses, centers_of(result.sums.source),
                              centers_of(result.sums.target), w)) <
          goal.gain(moments) - 4 * fastest * tolerance) {
    step /= 3;
    return false;
  }
  double divergence = 0, farthest = 0;
  source_rate.resize(r);
  target_rate.resize(r);
  for (std::size_t k = 0; k < r; ++k) {
    const double source_move = next.source_offsets[k] - factors.source_offsets[k],
                 target_move = next.target_offsets[k] - factors.target_offsets[k];
    farthest = std::max({farthest, std::abs(source_move), std::abs(target_move)});
    divergence += source_move * (result.sums.source.masses[k] - sums.source.masses[k]) +
                  target_move * (result.sums.target.masses[k] - sums.target.masses[k]) +
                  (next.log_masses[k] - factors.log_masses[k]) *
                      (std::exp(next.log_masses[k]) - std::exp(factors.log_masses[k]));
    source_rate[k] = source_move / step;
    target_rate[k] = target_move / step;
  }
  for (std::size_t at = 0; at < r * w; ++at)
    divergence +=
        step * (source_slope[at] * (result.sums.source.moments[at] - sums.source.moments[at]) +
                target_slope[at] * (result.sums.target.moments[at] - sums.target.moments[at]));
  residual = std::max(divergence, farthest * result.error) / step *
             std::max(first_step * pace / step, 1.0);
  factors = std::move(next);
  sums = result.sums;
  if (result.passes <= few_passes) step = std::min(1.3 * step, longest_step * pace);
  if (result.passes > many_passes) step /= 1.2;
  return true;
}

LowRankProblem::LowRankProblem(const GroundCost& cost, int dimension, const WeightedPoints& source,
                               const WeightedPoints& target, const LowRankSettings& settings,
                               std::uint64_t seed, std::uint64_t stream)
    : state_(std::make_shared<State>()) {
  if (!takes(cost, settings.objective))
    throw std::invalid_argument("plans of low rank are for costs that are squared distances");
  if (dimension < 1 || settings.rank < 1 || settings.representatives < 1)
    throw std::invalid_argument("a plan of low rank has a rank and points, 1 or more");
  State& state = *state_;
  const auto d = static_cast<std::size_t>(dimension);
  state.settings = settings;
  state.random = CounterRandom(seed, stream);
  state.cost_of_square = with_ground_cost(cost, [](const auto& typed) -> double {
    if constexpr (std::decay_t<decltype(typed)>::leaves_product)
      return typed.template from_sum<double>(1.0);
    else
      return 0;
  });
  state.cost_rounding = with_ground_cost(cost, [dimension](const auto& typed) {
    return typed.takes_directions ? typed.rounding(dimension, 2, 2) : 0.0;
  });
  state.source = place(cost, d, source);
  state.target = place(cost, d, target);
  const double least = std::min(state.source.variance, state.target.variance),
               most = std::max(state.source.variance, state.target.variance);
  if (most > 0) state.unit = std::sqrt(std::sqrt(least > 0 ? least : most) * std::sqrt(most));
  for (auto* cloud : {&state.source, &state.target}) {
    for (auto* values : {&cloud->points, &cloud->mean})
      for (double& x : *values) x /= state.unit;
    cloud->variance /= state.unit * state.unit;
  }
  for (std::size_t c = 0; c < d; ++c)
    state.shift += std::pow((state.source.anchor[c] - state.target.anchor[c]) / state.unit +
                                (state.source.mean[c] - state.target.mean[c]),
                            2);

  if (state.matches_shapes()) {
    const double apart = state.source.variance - state.target.variance;
    state.constant = 4 * apart * apart;
    for (auto* cloud : {&state.source, &state.target}) {
      append_squares(*cloud);
      state.constant += moments_of_shape(*cloud);
    }
  } else {
    state.constant = state.shift + state.source.variance + state.target.variance;
  }
  state.longest_source = longest_row(state.source);
  state.longest_target = longest_row(state.target);
  const double costs = state.unit_cost() * (1 + state.constant);
  if (!std::isfinite(state.longest_source * state.longest_target) || !std::isfinite(costs) ||
      (most > 0 && !(costs > std::numeric_limits<double>::min())))
    throw std::invalid_argument(
        "points are too far apart, or too close to each other, for the range of double");
  state.device_source = upload_cloud(state.source);
  state.device_target = upload_cloud(state.target);
  // A few representatives for each cluster, as long as a plan between them is quick.
  const int most_representatives = state.matches_shapes() ? std::max(512, settings.rank) : 4096;
  const auto few = static_cast<std::size_t>(std::min(
      std::max(settings.representatives / (state.matches_shapes() ? 4 : 1), 8 * settings.rank),
      most_representatives));
  state.coarse_source =
      represent(state.source, state.device_source, few, CounterRandom(state.random.bits(1), 0));
  state.coarse_target =
      represent(state.target, state.device_target, few, CounterRandom(state.random.bits(2), 0));
  state.newton_source = draw(state.source, CounterRandom(state.random.bits(5), 0));
  state.newton_target = draw(state.target, CounterRandom(state.random.bits(6), 0));
}

bool LowRankProblem::takes(const GroundCost& cost, LowRankObjective objective) {
  return with_ground_cost(cost, [objective](const auto& typed) {
    return typed.leaves_product &&
           (objective == LowRankObjective::linear || !typed.takes_directions);
  });
}

double LowRankProblem::bytes(std::int64_t n, std::int64_t m, int dimension, int rank) {
  // Points and weights on the host and the device and those of a transform, and what is kept of few
  // points, of sums, and of Newton's matrix.
  const double width = dimension + 2.0, r = rank;
  return 8 * (5 * static_cast<double>(n + m) * width + 2 * (detail::most_drawn + 4096) * width +
              3e7 + 8 * r * r);
}

void LowRankProblem::run(int limit, IterationObserver* observer, int number) const {
  State& state = *state_;
  if (state.trivial()) {  // all plans cost the same
    if (state.factors.rank() == 0) state.factors = state.product();
    state.residual = 0;
    state.status = Status::converged;
    return;
  }
  state.status = Status::ended;
  if (observer != nullptr && observer->ended()) return;
  const bool begins = state.factors.rank() == 0;
  if (!begins && state.residual <= state.settings.threshold) {
    state.status = Status::converged;
    return;
  }
  if (begins) state.begin();
  const auto pass = state.pass(state.factors.rank());
  const FactorProjection projection(state.newton_source, state.newton_target);
  FactorSums sums;
  if (begins) {
    // To the masses of the start, which its offsets meet nearly.
    const LowRankFactors given = state.factors;
    sums = projection.project(given, loose_tolerance, 10 * most_passes, pass, state.factors).sums;
  } else {
    sums = pass(state.factors);
  }
  state.status = Status::iteration_limit;
  const int first = state.iterations;
  while (state.iterations - first < limit) {
    if (observer != nullptr &&
        !observer->goes_on(number, state.iterations - first, state.residual)) {
      state.status = Status::ended;
      return;
    }
    ++state.iterations;
    if (!state.advance(projection, pass, sums)) {
      if (state.step >= least_step * state.pace) continue;
      state.status = Status::precision_limit;
      return;
    }
    if (state.residual <= state.settings.threshold) {
      state.status = Status::converged;
      return;
    }
  }
}

int LowRankProblem::iterations() const {
  return state_->iterations;
}
int LowRankProblem::status() const {
  return static_cast<int>(state_->status);
}
double LowRankProblem::residual() const {
  return state_->residual;
}

std::vector<double> LowRankProblem::progress() const {
  const State& state = *state_;
  const auto rank = static_cast<std::size_t>(state.settings.rank),
             r = static_cast<std::size_t>(state.factors.rank()), d = state.width();
  std::vector<double> values = {static_cast<double>(state.iterations),
                                state.step,
                                state.residual,
                                static_cast<double>(r),
                                static_cast<double>(state.source_rate.size()),
                                state.pace};
  const auto put = [&](const Numbers& numbers, std::size_t length) {
    values.insert(values.end(), numbers.begin(), numbers.end());
    values.resize(values.size() + length - numbers.size(), 0.0);
  };
  for (const auto* slopes : {&state.factors.source_slopes, &state.factors.target_slopes})
    put(*slopes, rank * d);
  for (const auto* numbers : {&state.factors.source_offsets, &state.factors.target_offsets,
                              &state.factors.log_masses, &state.source_rate, &state.target_rate})
    put(*numbers, rank);
  return values;
}

void LowRankProblem::set_progress(std::span<const double> values) const {
  State& state = *state_;
  const auto rank = static_cast<std::size_t>(state.settings.rank);
  const std::size_t d = state.width();
  if (values.size() != 6 + 2 * rank * d + 5 * rank)
    throw std::invalid_argument("progress is of another problem");
  state.iterations = static_cast<int>(values[0]);
  state.step = values[1];
  state.residual = values[2];
  const auto r = static_cast<std::size_t>(values[3]), rates = static_cast<std::size_t>(values[4]);
  state.pace = values[5];
  std::size_t at = 6;
  const auto take = [&](Numbers& numbers, std::size_t count, std::size_t length) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(at);
    numbers.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    at += length;
  };
  for (auto* slopes : {&state.factors.source_slopes, &state.factors.target_slopes})
    take(*slopes, r * d, rank * d);
  for (auto* numbers :
       {&state.factors.source_offsets, &state.factors.target_offsets, &state.factors.log_masses})
    take(*numbers, r, rank);
  for (auto* numbers : {&state.source_rate, &state.target_rate}) take(*numbers, rates, rank);
}

LowRankResult LowRankProblem::result(const LowRankOutputs& wanted) const {
  State& state = *state_;
  LowRankResult result;
  const std::size_t d = state.source.dimension(), w = state.width();
  // Where it was ended before it began, the plan that spreads all.
  LowRankFactors factors = state.factors.rank() == 0 ? state.product() : state.factors;
  const auto r = static_cast<std::size_t>(factors.rank());
  const auto pass = state.pass(factors.rank());
  // Closer to its marginals than iterations need.
  const FactorProjection projection(state.newton_source, state.newton_target);
  LowRankFactors closer = factors;
  const auto projected = projection.project(factors, 1e-8, 2 * many_passes, pass, closer);
  const bool is_closer = projected.error <= loose_tolerance;
  if (is_closer) factors = std::move(closer);
  const FactorSums sums = is_closer ? projected.sums : pass(factors);
  const auto &source_masses = sums.source.masses, &target_masses = sums.target.masses;
  for (std::size_t k = 0; k < r; ++k)
    result.marginal_error += std::abs(source_masses[k] - target_masses[k]);
  const Numbers source_centers = centers_of(sums.source), target_centers = centers_of(sums.target);
  const Numbers coupling = coupling_of(source_masses, target_masses);
  const auto goal = state.objective();
  const double gain = goal.gain(cross_moments(coupling, source_centers, target_centers, w)),
               unit = state.unit_cost();
  result.cost = std::max(unit * (state.constant - goal.cost_factor() * gain), 0.0);
  const double rounding =
      unit * state.rounding(static_cast<double>(state.source.size() + state.target.size() + 8 * r +
                                                4 * d + 64)) +
      state.cost_rounding;
  result.upper_bound = result.cost + rounding;
  if (wanted.bounds && state.matches_shapes()) {
    const double bound = matching_bound(state.source, state.target);
    result.lower_bound = std::max(unit * bound - rounding, 0.0);
  } else if (wanted.bounds) {
    const auto bound = dual_bound(
        state.source, state.device_source, state.target, state.device_target, state.coarse_source,
        state.coarse_plan_once().potential, state.settings.bound_pairs, state.random.bits(4));
    result.lower_bound = std::max(unit * (state.shift + bound.value) - rounding, 0.0);
    result.bound_failure = bound.failure;
  }

  // In the coordinates that were given.
  const auto rank = static_cast<std::size_t>(state.settings.rank);
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  result.rank = static_cast<int>(r);
  result.masses = target_masses;
  result.masses.resize(rank, 0.0);
  const auto centers_out = [&](const Numbers& centers, const detail::PlacedCloud& cloud) {
    Numbers out(rank * d, nothing);
    for (std::size_t k = 0; k < r; ++k)
      for (std::size_t c = 0; c < d; ++c)
        out[k * d + c] = state.unit * (centers[k * w + c] + cloud.mean[c]) + cloud.anchor[c];
    return out;
  };
  result.source_centers = centers_out(source_centers, state.source);
  result.target_centers = centers_out(target_centers, state.target);
  const auto factor_out = [&](const Numbers& slopes, const Numbers& offsets,
                              const detail::PlacedCloud& cloud, Numbers& slopes_out,
                              Numbers& offsets_out, Numbers& squares_out) {
    slopes_out.assign(rank * d, 0.0);
    offsets_out.assign(rank, -std::numeric_limits<double>::infinity());
    if (w > d) squares_out.assign(rank, 0.0);
    Numbers mean(d);  // in the unit
    for (std::size_t c = 0; c < d; ++c) mean[c] = cloud.mean[c] + cloud.anchor[c] / state.unit;
    for (std::size_t k = 0; k < r; ++k) {
      const double* const slope = slopes.data() + k * w;
      const double square = w > d ? slope[d] : 0;
      for (std::size_t c = 0; c < d; ++c)
        slopes_out[k * d + c] = (slope[c] - 2 * square * mean[c]) / state.unit;
      offsets_out[k] = offsets[k] - dot(slope, mean.data(), d) +
                       square * (dot(mean.data(), mean.data(), d) - cloud.variance);
      if (w > d) squares_out[k] = square / (state.unit * state.unit);
    }
  };
  factor_out(factors.source_slopes, factors.source_offsets, state.source, result.source_slopes,
             result.source_offsets, result.source_squares);
  factor_out(factors.target_slopes, factors.target_offsets, state.target, result.target_slopes,
             result.target_offsets, result.target_squares);
  if (wanted.projection) result.projection = state.projection(factors, result.target_centers);
  return result;
}

}  // namespace otfleet::kernels

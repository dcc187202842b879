#include "kernels/api/detail/semidiscrete_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otfleet::kernels::detail {
namespace {

/// Sums and extremes over points.
struct PointFacts {
  double second = 0, fourth = 0;                            ///< of |y|, by weights
  double lowest = INFINITY, highest = -INFINITY;            ///< g
  double least_height = INFINITY, most_height = -INFINITY;  ///< g − |y|²

  explicit PointFacts(const CenteredPoints& points) {
    for (std::size_t j = 0; j < points.weights.size(); ++j) {
      const double square = points.squares[j], g = points.potential[j];
      second += points.weights[j] * square;
      fourth += points.weights[j] * square * square;
      lowest = std::min(lowest, g);
      highest = std::max(highest, g);
      least_height = std::min(least_height, g - square);
      most_height = std::max(most_height, g - square);
    }
  }
};

/// share · sqrt(2 log(1/share)), and for larger shares its maximum: what a Lipschitz function of
/// normal variables has over a part of the mass that is no larger exceeds its mean by at most that
/// times its constant, for by that part's entropy it is subgaussian.
double excess_over(double share) {
  const double turn = std::exp(-0.5);
  if (share >= turn) return turn;
  return share > 0 ? share * std::sqrt(-2 * std::log(share)) : 0;
}

}  // namespace

double SampleMoments::variance(double count) const {
  return std::max(square - sum * sum / count, 0.0) / (count - 1);
}

double second_moment(const Noise& noise, std::size_t d) {
  const double each = noise.kind == NoiseKind::gaussian ? 1.0 : 1.0 / 3;
  return static_cast<double>(d) * each * noise.scale * noise.scale;
}

OptimumBounds optimum_bounds(const CenteredPoints& points, const PlanSamples& samples,
                             double failure) {
  const PointFacts facts(points);
  const double count = samples.count(), d = static_cast<double>(points.d),
               scale = points.noise.scale, transform = samples.transform.mean(count),
               constant = second_moment(points.noise, points.d);
  // The transform less |x|² is a maximum of linear functions of x, which is a Lipschitz function of
  // a normal variable; its mean is as far from its expectation as that of a normal variable
  // (Tsirelson, Ibragimov & Sudakov 1976).
  const double of_normal = points.noise.kind == NoiseKind::gaussian ? 1.0 : 2 / std::sqrt(2 * M_PI);
  const double lipschitz = 2 * points.longest * scale * of_normal,
               slack = lipschitz * std::sqrt(2 * std::log(1 / failure) / count);
  // Winners by float scores are not always those of the least cost.
  const double unit = points.longest * scale,
               height = std::max(std::abs(facts.lowest), std::abs(facts.highest)) / unit +
                        points.longest / scale,
               rounding = unit * (d + 8) * 0x1.0p-24 * (8 * (std::sqrt(d) + 12) + 4 * height);
  // Of the mean and its square, by sums over all points.
  const double mean_rounding = 4 * (static_cast<double>(points.weights.size()) + d + 16) *
                               std::numeric_limits<double>::epsilon() *
                               (points.mean_square + facts.second);
  OptimumBounds bounds;
  bounds.marginals = marginal_bounds(points.weights, samples.hits, failure);
  bounds.lower =
      points.mean_square - mean_rounding + std::max(constant + transform - slack - rounding, 0.0);

  // By the distance between shares and weights (Villani 2009, theorem 6.15).
  const double cost = constant + transform + slack + samples.potential.mean(count) + rounding +
                      empirical_bernstein(samples.potential.variance(count),
                                          facts.highest - facts.lowest, count, failure),
               moved = std::min(2 * points.longest * points.longest * bounds.marginals.upper,
                                2 * bounds.marginals.chi_upper * std::sqrt(facts.fourth)),
               by_distance = std::pow(std::sqrt(std::max(cost, 0.0)) + std::sqrt(moved), 2);
  // By a plan that keeps what goes to a point up to its weight, and sends the rest of the mass to
  // where some is missing, whichever sample it is.
  const double rest = bounds.marginals.upper / 2,
               score = slack - transform,  // E max_j (2 <x, y_j> + height_j), at most
      products = -transform - slack - samples.height.mean(count) -  // of 2 <x, y>, at least
                 empirical_bernstein(samples.height.variance(count),
                                     facts.most_height - facts.least_height, count, failure),
               by_rerouting = constant + facts.second - products +
                              std::max(rest * (score - facts.least_height), 0.0) +
                              2 * lipschitz * excess_over(rest) + rounding;
  bounds.upper = points.mean_square + mean_rounding + std::min(by_distance, by_rerouting);
  return bounds;
}

}  // namespace otfleet::kernels::detail

#include "kernels/solvers/semidiscrete/marginal_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace otfleet::kernels {
namespace {

/// The largest p of which a share of at most `share` of `count` samples has a probability of
/// exp(−logarithm) or more (Chernoff, Hoeffding 1963, theorem 1).
double largest_probability(double share, double count, double logarithm) {
  const auto divergence = [share](double p) {
    double sum = 0;
    if (share > 0) sum += share * std::log(share / p);
    if (share < 1) sum += (1 - share) * std::log((1 - share) / (1 - p));
    return sum;
  };
  double low = share, high = 1;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (count * divergence(middle) > logarithm ? high : low) = middle;
  }
  return high;
}

}  // namespace

double empirical_bernstein(double variance, double range, double count, double failure) {
  const double logarithm = std::log(2 / failure);
  return std::sqrt(2 * variance * logarithm / count) + 7 * range * logarithm / (3 * (count - 1));
}

MarginalBounds marginal_bounds(std::span<const double> weights, const Hits& hits, double failure) {
  const auto half = static_cast<double>(hits.samples), all = 2 * half;
  const std::size_t n = weights.size();
  MarginalBounds bounds;
  // Of three inequalities for the upper bound on chi.
  const double third = failure / 6, logarithm = std::log(1 / third),
               each_logarithm = std::log(static_cast<double>(n) / third);
  double pairs = 0, plain = 0, signs = 0, mean = 0, square = 0, most = 0, least = 0, ratio = 0;
  std::map<std::int64_t, double> largest;  // of points with that many samples
  for (std::size_t j = 0; j < n; ++j) {
    const std::int64_t count = hits.first[j] + hits.second[j];
    const double b = weights[j], both = static_cast<double>(count),
                 share = static_cast<double>(hits.first[j]) / half,
                 other = static_cast<double>(hits.second[j]) / half;
    pairs += both * (both - 1) / b;
    plain += std::abs(both / all - b);
    signs += (share > b ? 1 : share < b ? -1 : 0) * (other - b);
    const double relative = share / b - 1;
    mean += other * relative;
    square += other * relative * relative;
    most = std::max(most, relative);
    least = std::min(least, relative);
    const auto [at, is_new] = largest.try_emplace(count, 0.0);
    if (is_new) at->second = largest_probability(both / all, all, each_logarithm);
    ratio = std::max(ratio, at->second / b);
  }
  ratio = std::min(ratio, 1 / *std::min_element(weights.begin(), weights.end()));
  const double chi_square = pairs / (all * (all - 1)) - 1;
  bounds.estimate = std::sqrt(std::max(chi_square, 0.0));
  const double variance = std::max(square - mean * mean, 0.0) * half / (half - 1);
  const double inner =
      std::max(mean + empirical_bernstein(variance, most - least, half, third), 0.0);
  // chi² <= inner + sqrt(2 ratio chi² l / n) + (1 + chi²) l / (3 n)
  const double linear = std::sqrt(2 * ratio * logarithm / half), rest = logarithm / (3 * half),
               left = 1 - rest;
  bounds.chi_upper =
      left > 0 ? (linear + std::sqrt(linear * linear + 4 * left * (inner + rest))) / (2 * left)
               : INFINITY;
  // No more than all mass on the lightest point.
  const double lightest = *std::min_element(weights.begin(), weights.end());
  bounds.chi_upper = std::min(bounds.chi_upper, std::sqrt(std::max(1 / lightest - 1, 0.0)));
  bounds.upper =
      std::min({plain + std::sqrt(2 * std::log(2 / failure) / all), bounds.chi_upper, 2.0});
  bounds.lower = std::clamp(signs - std::sqrt(2 * std::log(1 / failure) / half), 0.0, 2.0);
  return bounds;
}

}  // namespace otfleet::kernels

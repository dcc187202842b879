#include "kernels/api/detail/low_rank_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace otfleet::kernels::detail {

DualBound dual_bound(const PlacedCloud& source, const DeviceCloud& device_source,
                     const PlacedCloud& target, const DeviceCloud& device_target,
                     const Representatives& coarse_source, const Numbers& potential,
                     double most_pairs, std::uint64_t seed) {
  constexpr double failure = 1e-3;
  const std::size_t d = source.dimension();
  const Numbers psi =
      least_of(device_target.points, upload_rows(coarse_source.points, d), potential).values;
  double largest = 0, value = 0;
  for (std::size_t j = 0; j < target.size(); ++j) {
    value += target.weights[j] * psi[j];
    const double* const y = target.points.data() + j * d;
    largest = std::max(largest, dot(y, y, d) + std::abs(psi[j]));
  }
  const double furthest = longest_row(source) * longest_row(source);
  const double roundings =
      3 * static_cast<double>(d) + 12 + static_cast<double>(source.size() + target.size());
  const double rounding = roundings * std::numeric_limits<double>::epsilon() * (largest + furthest);
  const double pairs = static_cast<double>(source.size()) * static_cast<double>(target.size());
  if (pairs <= most_pairs) {
    const Numbers phi = least_of(device_source.points, device_target.points, psi).values;
    for (std::size_t i = 0; i < source.size(); ++i) value += source.weights[i] * phi[i];
    return {value - rounding, 0.0};
  }
  // The target's points where heights are those of few of them bound the transform from above;
  // what it is less is known of a sample.
  const auto few =
      stratified(target.weights, coarse_source.weights.size(), CounterRandom(seed, 0)).which;
  Numbers few_heights;
  for (const std::int64_t j : few) few_heights.push_back(psi[static_cast<std::size_t>(j)]);
  const Numbers above = least_of(device_source.points,
                                 upload_rows(gather_rows(target.points, few, d), d), few_heights)
                            .values;
  double highest = -INFINITY;
  Numbers reached;
  double sum = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    value += source.weights[i] * above[i];
    highest = std::max(highest, above[i]);
    reached.push_back(sum += source.weights[i]);
  }
  const auto count =
      static_cast<std::size_t>(std::max(most_pairs / static_cast<double>(target.size()), 256.0));
  const CounterRandom draws(seed, 1);
  std::vector<std::int64_t> sample;
  for (std::size_t s = 0; s < count; ++s) {
    const double at = sum * draws.uniform(s);
    const auto i = std::lower_bound(reached.begin(), reached.end(), at) - reached.begin();
    sample.push_back(std::min<std::int64_t>(i, static_cast<std::int64_t>(source.size()) - 1));
  }
  const Numbers exact =
      least_of(upload_rows(gather_rows(source.points, sample, d), d), device_target.points, psi)
          .values;
  const auto number = static_cast<double>(count);
  Numbers less(count);
  for (std::size_t s = 0; s < count; ++s)
    less[s] = above[static_cast<std::size_t>(sample[s])] - exact[s];
  const double mean = std::accumulate(less.begin(), less.end(), 0.0) / number;
  double variance = 0;
  for (const double one : less) variance += (one - mean) * (one - mean) / (number - 1);
  // The transform is at least −max psi, as costs are: Maurer & Pontil 2009, theorem 4.
  const double range = highest + *std::max_element(psi.begin(), psi.end()),
               logarithm = std::log(2 / failure);
  const double most = mean + std::sqrt(2 * variance * logarithm / number) +
                      7 * range * logarithm / (3 * (number - 1));
  return {value - most - rounding, failure};
}

double matching_bound(const PlacedCloud& source, const PlacedCloud& target) {
  struct Side {
    Numbers values, weights;
    explicit Side(const PlacedCloud& cloud) {
      const std::size_t width = cloud.width();
      std::vector<std::size_t> order(cloud.size());
      std::iota(order.begin(), order.end(), std::size_t(0));
      const auto square = [&](std::size_t i) { return cloud.points[i * width + width - 1]; };
      std::sort(order.begin(), order.end(),
                [&](std::size_t i, std::size_t j) { return square(i) < square(j); });
      for (const std::size_t i : order) {
        values.push_back(square(i) + 2 * cloud.variance);
        weights.push_back(cloud.weights[i]);
      }
    }
  };
  Side from(source), to(target);
  // Weights are off by roundings of the whole mass, however light a point is.
  const double most = std::max(from.values.back(), to.values.back()),
               terms = static_cast<double>(source.size() + target.size() + 3 * source.width() + 12),
               rounding = terms * std::numeric_limits<double>::epsilon() * most * most;
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < from.values.size() && j < to.values.size();) {
    const double mass = std::min(from.weights[i], to.weights[j]);
    sum += mass * (from.values[i] - to.values[j]) * (from.values[i] - to.values[j]);
    from.weights[i] -= mass;
    to.weights[j] -= mass;
    if (from.weights[i] <= 0)
      ++i;
    else
      ++j;
  }
  return sum - rounding;
}

}  // namespace otfleet::kernels::detail

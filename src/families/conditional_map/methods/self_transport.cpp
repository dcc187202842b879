#include "src/families/conditional_map/methods/self_transport.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/counter_random.hpp"
#include "src/families/conditional_map/paired_clouds.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/conditional_map/problem_solution.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t half_draws = 0x68616c66;
constexpr double tried_shares[] = {0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125};
/// Points of a half. More would judge a share little better.
constexpr std::size_t most_of_half = 2000;

/// Rows `begin` to `end` of an order of a cloud's points.
WeightedCloud part_of(const WeightedCloud& cloud, const std::vector<std::size_t>& order,
                      std::size_t begin, std::size_t end, std::size_t dimension) {
  WeightedCloud result;
  for (std::size_t k = begin; k < end; ++k) {
    const double* const point = cloud.points.data() + order[k] * dimension;
    result.points.insert(result.points.end(), point, point + dimension);
    result.shares.push_back(cloud.shares[order[k]]);
  }
  const double mass = std::accumulate(result.shares.begin(), result.shares.end(), 0.0);
  for (double& share : result.shares) share /= mass;
  return result;
}

/// How far the entropic map moves points between two halves of one cloud, squared, on average.
double moved_between(const WeightedCloud& one, const WeightedCloud& other, double epsilon,
                     std::int64_t dimension, const SolverOptions& settings) {
  const auto d = static_cast<std::size_t>(dimension);
  const auto solved = solve_alone(pair_of(one, other, dimension), epsilon, settings);
  const auto images = entropic_images({other.points, solved.g}, epsilon, one.points, dimension);
  double moved = 0;
  for (std::size_t at = 0; at < images.size(); ++at) {
    const double step = images[at] - one.points[at];
    moved += one.shares[at / d] * step * step;
  }
  return moved;
}

}  // namespace

WeightedCloud cloud_of(const CloudTable& table, std::int64_t measure, std::int64_t dimension) {
  const auto points = points_of(table, measure, dimension);
  return {{points.begin(), points.end()}, shares_of(table, measure)};
}

CloudPopulation pair_of(const WeightedCloud& x, const WeightedCloud& y, std::int64_t dimension) {
  CloudPopulation one = no_pairs(dimension);
  add_pair(one, x.points, y.points, x.shares, y.shares);
  return one;
}

double mean_cost_of(const WeightedCloud& x, const WeightedCloud& y, std::int64_t dimension) {
  const CloudPopulation one = pair_of(x, y, dimension);
  const double mean =
      mean_cost_between(moments_of(one.sources, one.source[0], dimension, {}),
                        moments_of(one.target_table(), one.target[0], dimension, {}));
  double square = 0;
  for (const auto* points : {&x.points, &y.points})
    for (const double value : *points) square = std::max(square, value * value);
  return mean > 1e-30 * square ? mean : 1;  // below, only rounding sets points apart
}

double epsilon_by_self_transport(const WeightedCloud& cloud, std::int64_t dimension,
                                 const SolverOptions& settings, std::uint64_t seed) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < cloud.shares.size(); ++k)
    if (cloud.shares[k] > 0) order.push_back(k);
  const double mean = mean_cost_of(cloud, cloud, dimension);
  if (order.size() < 4) return tried_shares[0] * mean;
  const kernels::CounterRandom random(seed, half_draws);
  for (std::size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random.below(k, k)]);
  const std::size_t half = std::min(order.size() / 2, most_of_half);
  const auto d = static_cast<std::size_t>(dimension);
  const WeightedCloud one = part_of(cloud, order, 0, half, d),
                      other = part_of(cloud, order, half, 2 * half, d);
  double best = tried_shares[0], least = 0;
  for (const double share : tried_shares) {
    const double moved = moved_between(one, other, share * mean, dimension, settings);
    if (share != tried_shares[0] && !(moved < least)) continue;
    best = share;
    least = moved;
  }
  return best * mean;
}

}  // namespace otfleet

#include "kernels/api/detail/semidiscrete_start.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/counter_random.hpp"

namespace otfleet::kernels::detail {
namespace {

constexpr std::size_t points_of_cluster = 8, fewest_clustered = 64;
constexpr int batch_rows = NoiseWinners::batch;

std::size_t stride_of(std::size_t level) {
  std::size_t stride = 1;
  for (std::size_t l = 0; l < level; ++l) stride *= points_of_cluster;
  return stride;
}

PotentialValues every(const PotentialValues& values, std::size_t stride) {
  PotentialValues some;
  for (std::size_t j = 0; j < values.size(); j += stride) some.push_back(values[j]);
  return some;
}

/// Rotations of a batch: as many as take about as long as its product with the points, and no more
/// than these have samples to learn from.
int rotations_of(NoiseKind noise, double temperature, std::size_t d, std::size_t points) {
  if (noise != NoiseKind::gaussian) return 1;
  const std::size_t worth = d / (temperature > 0 ? 200 : 12);
  int rotations = 1;
  while (rotations < 64 && 2 * static_cast<std::size_t>(rotations) <= worth &&
         static_cast<std::size_t>(rotations) * batch_rows <= points)
    rotations *= 2;
  return rotations;
}

/// The c with which heights −c |y|² let points win that are as long, by squares, as all are by
/// weights.
double quadratic_start(NoiseWinners& winners, const PotentialValues& weights,
                       const PotentialValues& squares, std::uint64_t stream) {
  double wanted = 0;
  for (std::size_t j = 0; j < weights.size(); ++j) wanted += weights[j] * squares[j];
  // Points that are all as long have no such c, and need none.
  const auto [least, most] = std::minmax_element(squares.begin(), squares.end());
  if (*most - *least <= 1e-9 * *most) return 0;
  PotentialValues heights(squares.size());
  double low = -24, high = 24;  // of log2 c
  for (int step = 0; step < 24; ++step) {
    const double middle = (low + high) / 2;
    for (std::size_t j = 0; j < squares.size(); ++j) heights[j] = -std::exp2(middle) * squares[j];
    winners.set_heights(heights);
    double sum = 0;
    for (const auto key : winners.winners(stream, 0, false, false))
      sum += squares[static_cast<std::size_t>(point_of(key))] / batch_rows;
    (sum > wanted ? low : high) = middle;
  }
  return std::exp2(high);
}

}  // namespace

NoiseWinners UnitPoints::winners(std::size_t stride) const {
  if (stride == 1)
    return {noise, rows, d, temperature, rotations_of(noise, temperature, d, count())};
  std::vector<float> some;
  for (std::size_t j = 0; j < count(); j += stride)
    some.insert(some.end(), rows.begin() + static_cast<std::ptrdiff_t>(j * d),
                rows.begin() + static_cast<std::ptrdiff_t>((j + 1) * d));
  return {noise, some, d, temperature, rotations_of(noise, temperature, d, some.size() / d)};
}

std::vector<PointClusters> cluster_points(const UnitPoints& points) {
  std::vector<PointClusters> clusters;
  PotentialValues weights = points.weights;
  while (weights.size() >= fewest_clustered) {
    const std::size_t stride = stride_of(clusters.size()), next = stride * points_of_cluster;
    NoiseWinners centers = points.winners(next);
    // Scores 2 <x, y> − |y|² are largest where y is nearest.
    PotentialValues nearest = every(points.squares, next);
    for (double& square : nearest) square = -square;
    centers.set_heights(nearest);
    PointClusters level{std::vector<int>(weights.size()), PotentialValues(nearest.size(), 0.0), 0};
    std::vector<float> block(static_cast<std::size_t>(batch_rows) * points.d);
    for (std::size_t begin = 0; begin < weights.size(); begin += batch_rows) {
      const std::size_t end = std::min(weights.size(), begin + batch_rows);
      for (std::size_t j = begin; j < end; ++j)
        std::copy_n(points.rows.begin() + static_cast<std::ptrdiff_t>(j * stride * points.d),
                    points.d, block.begin() + static_cast<std::ptrdiff_t>((j - begin) * points.d));
      const auto keys = centers.winners_of(block);
      for (std::size_t j = begin; j < end; ++j) level.member[j] = point_of(keys[j - begin]);
    }
    // Each center is its own, whatever float says.
    for (std::size_t k = 0; k < nearest.size(); ++k)
      level.member[k * points_of_cluster] = static_cast<int>(k);
    for (std::size_t j = 0; j < weights.size(); ++j)
      level.weights[static_cast<std::size_t>(level.member[j])] += weights[j];
    weights = level.weights;
    clusters.push_back(std::move(level));
  }
  return clusters;
}

std::vector<PointClusters> clusters_above(const std::vector<PointClusters>& clusters,
                                          std::size_t level) {
  std::vector<PointClusters> above;
  for (std::size_t l = level; l < clusters.size(); ++l) {
    if (above.empty()) {
      above.push_back(clusters[l]);
      continue;
    }
    PointClusters next{above.back().member, clusters[l].weights, clusters[l].pace};
    for (int& member : next.member) member = clusters[l].member[static_cast<std::size_t>(member)];
    above.push_back(std::move(next));
  }
  return above;
}

PotentialValues heights_by_levels(const UnitPoints& points, std::vector<PointClusters>& clusters,
                                  std::uint64_t stream, const std::function<bool()>& goes_on) {
  constexpr int steps = 100, batches_of_shares = 8;
  const CounterRandom streams(stream, 0);
  PotentialValues heights;
  double curve = 0;
  for (std::size_t level = clusters.size() + 1; level-- > 0;) {
    const std::size_t stride = stride_of(level);
    const PotentialValues weights = level == 0 ? points.weights : clusters[level - 1].weights,
                          squares = every(points.squares, stride);
    NoiseWinners winners = points.winners(stride);
    if (heights.empty()) {
      curve = quadratic_start(winners, weights, squares, streams.bits(0));
      for (const double square : squares) heights.push_back(-curve * square);
    }
    if (level == 0) return heights;
    Ascent ascent(std::move(heights));
    const auto above = clusters_above(clusters, level);
    for (int step = 0; step < steps; ++step) {
      if (!goes_on()) return {};
      climb(winners, weights, above, streams.bits(2 * level), ascent);
    }
    PointClusters& finer = clusters[level - 1];
    finer.pace = ascent.pace;
    const PotentialValues finer_weights = level == 1 ? points.weights : clusters[level - 2].weights,
                          finer_squares = every(points.squares, stride_of(level - 1));
    heights.assign(finer_weights.size(), 0.0);
    for (std::size_t j = 0; j < heights.size(); ++j) {
      const auto from = static_cast<std::size_t>(finer.member[j]);
      heights[j] = ascent.averages[from] - curve * (finer_squares[j] - squares[from]);
    }
    if (!(ascent.pace > 0)) continue;
    NoiseWinners all = points.winners(stride_of(level - 1));
    all.set_heights(heights);
    winners.set_heights(ascent.averages);
    const auto logs =
        all.log_shares(winners, streams.bits(2 * level + 1), batches_of_shares, ascent.pace);
    for (std::size_t j = 0; j < heights.size(); ++j)
      heights[j] += ascent.pace * (std::log(finer_weights[j]) - logs[j]);
  }
  return heights;
}

}  // namespace otfleet::kernels::detail

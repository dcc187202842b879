#include "src/families/neural_dual/scores/transport_scores.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "src/families/neural_dual/samplers/sample_numbers.hpp"
#include "src/families/neural_dual/scores/assignment.hpp"

namespace otfleet {
namespace {

/// The number of points of arrays that fit each other.
template <class... Others>
std::int64_t checked_count(std::int64_t dimension, std::span<const double> points,
                           const Others&... others) {
  const auto size = static_cast<std::int64_t>(points.size());
  if (dimension < 1 || size == 0 || size % dimension != 0)
    throw std::invalid_argument("no points, or no whole number of them");
  if (((others.size() != points.size()) || ...))
    throw std::invalid_argument("clouds of different numbers of points");
  return size / dimension;
}

}  // namespace

double squared_distance(const double* a, const double* b, std::int64_t dimension) {
  double sum = 0;
  for (std::int64_t i = 0; i < dimension; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

std::vector<double> row_distances(std::span<const double> a, std::span<const double> b,
                                  std::int64_t dimension) {
  const auto count = checked_count(dimension, a, b);
  std::vector<double> result;
  for (std::int64_t k = 0; k < count; ++k)
    result.push_back(
        std::sqrt(squared_distance(a.data() + k * dimension, b.data() + k * dimension, dimension)));
  return result;
}

double l2_uvp(std::span<const double> pushed, std::span<const double> truth, std::int64_t dimension,
              double variance) {
  const auto count = checked_count(dimension, pushed, truth);
  const double sum = squared_distance(pushed.data(), truth.data(), count * dimension);
  return 100 * sum / static_cast<double>(count) / variance;
}

double cosine(std::span<const double> points, std::span<const double> pushed,
              std::span<const double> truth, std::int64_t dimension) {
  checked_count(dimension, points, pushed, truth);
  double product = 0;
  for (std::size_t at = 0; at < points.size(); ++at)
    product += (pushed[at] - points[at]) * (truth[at] - points[at]);
  const auto all = static_cast<std::int64_t>(points.size());
  return product / std::sqrt(squared_distance(pushed.data(), points.data(), all) *
                             squared_distance(truth.data(), points.data(), all));
}

double sliced_distance(std::span<const double> source, std::span<const double> target,
                       std::int64_t dimension, int directions, std::uint64_t seed) {
  const auto count = checked_count(dimension, source, target);
  if (directions < 1) throw std::invalid_argument("a sliced distance needs a direction");
  const NumberSource random(SampleSequence::random, seed, static_cast<std::uint64_t>(dimension),
                            dimension);
  std::vector<double> direction(static_cast<std::size_t>(dimension));
  std::vector<double> projected[2];
  for (auto& values : projected) values.resize(static_cast<std::size_t>(count));
  double sum = 0;
  for (int k = 0; k < directions; ++k) {
    SampleNumbers numbers(random, k);
    double square = 0;
    for (double& value : direction) {
      value = numbers.normal();
      square += value * value;
    }
    for (int side = 0; side < 2; ++side) {
      const double* point = side == 0 ? source.data() : target.data();
      for (double& value : projected[side]) {
        value = 0;
        for (const double slope : direction) value += slope * *point++;
      }
      std::sort(projected[side].begin(), projected[side].end());
    }
    sum += squared_distance(projected[0].data(), projected[1].data(), count) / square;
  }
  return std::sqrt(sum / directions / static_cast<double>(count));
}

double exact_distance(std::span<const double> source, std::span<const double> target,
                      std::int64_t dimension) {
  const auto count = checked_count(dimension, source, target);
  std::vector<double> cost(static_cast<std::size_t>(count * count));
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < count; ++j)
      cost[i * count + j] =
          squared_distance(source.data() + i * dimension, target.data() + j * dimension, dimension);
  const auto partner = best_assignment(cost, count);
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += cost[i * count + partner[i]];
  return std::sqrt(sum / static_cast<double>(count));
}

}  // namespace otfleet

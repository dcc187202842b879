#include "src/families/neural_dual/scores/transport_scores.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "src/families/neural_dual/samplers/gaussian_pair.hpp"
#include "src/families/neural_dual/samplers/plane_pairs.hpp"
#include "src/families/neural_dual/scores/assignment.hpp"

namespace otfleet {
namespace {

using Values = std::vector<double>;

Values draw(const Sampler& sampler, std::int64_t count) {
  Values points(static_cast<std::size_t>(count * sampler.dimension()));
  sampler.fill(0, count, points.data());
  return points;
}

/// The points in another order.
Values shuffled(const Values& points, std::size_t d) {
  const std::size_t count = points.size() / d, step = 7;  // prime to the counts used here
  Values result(points.size());
  for (std::size_t k = 0; k < count; ++k)
    std::copy_n(&points[k * step % count * d], d, &result[k * d]);
  return result;
}

Values translated(Values points, const Values& shift) {
  for (std::size_t at = 0; at < points.size(); ++at) points[at] += shift[at % shift.size()];
  return points;
}

TEST(TransportScores, UnexplainedVarianceByHand) {
  // Errors (1, 0) and (0, 3): mean square 5.
  const Values truth = {0, 0, 1, 1}, pushed = {1, 0, 1, 4};
  EXPECT_DOUBLE_EQ(l2_uvp(pushed, truth, 2, 20), 25);
  EXPECT_EQ(l2_uvp(truth, truth, 2, 20), 0);
}

TEST(TransportScores, ConstantMapHasAHundredPercent) {
  const GaussianPair pair(3, 2);
  const Values truth = draw(*pair.samplers(0).target, 50'000);
  Values constant(truth.size());
  for (std::size_t at = 0; at < truth.size(); ++at) constant[at] = pair.target_mean()[at % 3];
  const Values covariance = pair.target_covariance();
  EXPECT_NEAR(l2_uvp(constant, truth, 3, covariance[0] + covariance[4] + covariance[8]), 100, 3);
}

TEST(TransportScores, CosineByHand) {
  const Values x = {0, 0, 0, 0}, truth = {1, 0, 1, 0};
  EXPECT_DOUBLE_EQ(cosine(x, truth, truth, 2), 1);
  EXPECT_DOUBLE_EQ(cosine(x, Values{5, 0, 5, 0}, truth, 2), 1);
  EXPECT_DOUBLE_EQ(cosine(x, Values{0, 1, 0, 2}, truth, 2), 0);
  EXPECT_DOUBLE_EQ(cosine(x, Values{-1, 0, -1, 0}, truth, 2), -1);
  // mean 1/2 over sqrt(1 · 1/2)
  EXPECT_DOUBLE_EQ(cosine(x, Values{1, 0, 0, 0}, truth, 2), std::sqrt(0.5));
  EXPECT_TRUE(std::isnan(cosine(x, x, truth, 2)));
}

TEST(TransportScores, OnALineBothDistancesSort) {
  const Values x = {3, -1, 0.5, 7, 2, 2}, y = {10, 0, -4, 1, 2, 5};
  Values a = x, b = y;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  EXPECT_NEAR(exact_distance(x, y, 1), std::sqrt(sum / 6), 1e-12);
  EXPECT_NEAR(sliced_distance(x, y, 1, 3, 0), std::sqrt(sum / 6), 1e-12);
}

TEST(TransportScores, TranslatedClouds) {
  const Values shift = {1, -2, 0.5, 3, 0};
  const double length = std::sqrt(1 + 4 + 0.25 + 9);
  const Values x = draw(*GaussianPair(5, 3).samplers(0).source, 200);
  const Values y = shuffled(translated(x, shift), 5);
  EXPECT_NEAR(exact_distance(x, y, 5), length, 1e-10);
  EXPECT_NEAR(exact_distance(y, x, 5), length, 1e-10);
  // mean ⟨θ, shift⟩² over directions is |shift|²/D; its relative deviation is below √2 a direction.
  EXPECT_NEAR(sliced_distance(x, y, 5, 20'000, 1), length / std::sqrt(5), 0.02 * length);
  EXPECT_NEAR(exact_distance(x, shuffled(x, 5), 5), 0, 1e-10);
  EXPECT_NEAR(sliced_distance(x, shuffled(x, 5), 5, 10, 1), 0, 1e-12);
}

TEST(TransportScores, ScaledClouds) {
  // A cloud and its double: every projection is doubled, too, so W₂² is the mean square in each.
  const Values x = draw(*GaussianPair(4, 8).samplers(0).source, 150);
  Values y = shuffled(x, 4);
  for (double& value : y) value *= 2;
  double square = 0;
  for (const double value : x) square += value * value;
  EXPECT_NEAR(exact_distance(x, y, 4), std::sqrt(square / 150), 1e-10);
  EXPECT_NEAR(sliced_distance(x, y, 4, 20'000, 5), std::sqrt(square / 150 / 4),
              0.03 * std::sqrt(square / 150));
}

TEST(TransportScores, OptimalMapsOfGaussians) {
  // The optimal map stays optimal between any of its points and their images.
  for (const std::int64_t dimension : {2, 9}) {
    const GaussianPair pair(dimension, 21);
    const Values x = draw(*pair.samplers(0).source, 600);
    Values y(x.size());
    pair.map(600, x.data(), y.data());
    double cost = 0;
    for (std::size_t at = 0; at < x.size(); ++at) cost += (x[at] - y[at]) * (x[at] - y[at]);
    y = shuffled(y, static_cast<std::size_t>(dimension));
    EXPECT_NEAR(exact_distance(x, y, dimension), std::sqrt(cost / 600), 1e-9);
    EXPECT_LE(sliced_distance(x, y, dimension, 2000, 0), 1.1 * std::sqrt(cost / 600 / dimension));
  }
  // Samples of both sides in the plane: near the distance of the Gaussians themselves.
  const GaussianPair pair(2, 21);
  const auto samplers = pair.samplers(1);
  EXPECT_NEAR(exact_distance(draw(*samplers.source, 1000), draw(*samplers.target, 1000), 2),
              pair.distance(), 0.1);
}

TEST(TransportScores, SlicedDistanceDependsOnItsSeedAlone) {
  const auto pair = plane_pair("moon_to_rings", 0, 0);
  const Values x = draw(*pair.source, 300), y = draw(*pair.target, 300);
  const double value = sliced_distance(x, y, 2, 50, 1);
  EXPECT_EQ(value, sliced_distance(x, y, 2, 50, 1));
  EXPECT_NE(value, sliced_distance(x, y, 2, 50, 2));
  EXPECT_NEAR(value, sliced_distance(y, x, 2, 50, 1), 1e-12);
  EXPECT_NEAR(value, sliced_distance(shuffled(x, 2), y, 2, 50, 1), 1e-12);
}

TEST(TransportScores, AssignmentsAgainstAllPermutations) {
  constexpr std::int64_t count = 7;
  const kernels::CounterRandom random(1, 2);
  for (int trial = 0; trial < 20; ++trial) {
    Values cost(count * count);
    for (std::size_t at = 0; at < cost.size(); ++at)
      cost[at] = random.uniform(static_cast<std::uint64_t>(trial) * 100 + at) - 0.5;
    const auto total = [&](const std::vector<std::int64_t>& partner) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += cost[i * count + partner[i]];
      return sum;
    };
    std::vector<std::int64_t> permutation(count);
    std::iota(permutation.begin(), permutation.end(), 0);
    double least = INFINITY;
    do least = std::min(least, total(permutation));
    while (std::next_permutation(permutation.begin(), permutation.end()));
    auto found = best_assignment(cost, count);
    EXPECT_NEAR(total(found), least, 1e-10);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, permutation);  // sorted again after the last permutation
  }
}

TEST(TransportScores, DegenerateClouds) {
  const Values same(2 * 50, 1.5), one = {3, 4}, other = {0, 0};
  EXPECT_EQ(exact_distance(same, same, 2), 0);
  EXPECT_DOUBLE_EQ(exact_distance(one, other, 2), 5);
}

TEST(TransportScores, ArraysThatDoNotFit) {
  const Values two(2), four(4), none;
  EXPECT_THROW(l2_uvp(two, four, 2, 1), std::invalid_argument);
  EXPECT_THROW(l2_uvp(none, none, 2, 1), std::invalid_argument);
  EXPECT_THROW(cosine(four, two, four, 2), std::invalid_argument);
  EXPECT_THROW(sliced_distance(four, four, 3, 1, 0), std::invalid_argument);
  EXPECT_THROW(sliced_distance(four, four, 2, 0, 0), std::invalid_argument);
  EXPECT_THROW(exact_distance(four, two, 2), std::invalid_argument);
  EXPECT_THROW(exact_distance(four, Values{0, 0, NAN, 0}, 2), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet

// Plans of low rank for the objective of Gromov–Wasserstein problems, against sums over all pairs
// of pairs and shapes whose distortion is known.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/low_rank_clouds.hpp"

namespace otfleet::kernels {
namespace {

using testing::between;
using testing::blobs;
using testing::Cloud;
using testing::converged;
using testing::solved;
using testing::square;
using testing::with_rank;

LowRankSettings for_shapes(int rank, double threshold = 1e-7) {
  auto settings = with_rank(rank, threshold);
  settings.objective = LowRankObjective::gromov_wasserstein;
  return settings;
}

/// What a result's plan distorts, over all pairs of pairs.
double distortion_of(const Cloud& x, const Cloud& y, const LowRankResult& result) {
  const auto r = static_cast<std::size_t>(result.rank), d = static_cast<std::size_t>(x.d);
  const auto factor = [&](const Cloud& cloud, const std::vector<double>& slopes,
                          const std::vector<double>& offsets, const std::vector<double>& squares) {
    std::vector<double> shares(cloud.size() * r);
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      double most = -INFINITY, sum = 0;
      for (std::size_t k = 0; k < r; ++k) {
        double& share = shares[i * r + k] = offsets[k];
        for (std::size_t c = 0; c < d; ++c) {
          const double one = cloud.points[i * d + c];
          share += slopes[k * d + c] * one + squares[k] * one * one;
        }
        most = std::max(most, share);
      }
      for (std::size_t k = 0; k < r; ++k)
        sum += shares[i * r + k] = std::exp(shares[i * r + k] - most);
      for (std::size_t k = 0; k < r; ++k) shares[i * r + k] *= cloud.share(i) / sum;
    }
    return shares;
  };
  const auto q = factor(x, result.source_slopes, result.source_offsets, result.source_squares),
             other = factor(y, result.target_slopes, result.target_offsets, result.target_squares);
  const std::size_t n = x.size(), m = y.size();
  std::vector<double> plan(n * m, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t k = 0; k < r; ++k)
        plan[i * m + j] += q[i * r + k] * other[j * r + k] / result.masses[k];
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t l = 0; l < n; ++l)
      for (std::size_t j = 0; j < m; ++j)
        for (std::size_t e = 0; e < m; ++e)
          sum += std::pow(square(x, i, x, l) - square(y, j, y, e), 2) * plan[i * m + j] *
                 plan[l * m + e];
  return sum;
}

TEST(LowRankShapes, TheResultDescribesAPlanOfThatDistortion) {
  const Cloud x = blobs(40, 2, 4, 1, 1), y = blobs(35, 2, 5, 1.5, 2);
  for (const int rank : {1, 5}) {
    int status = -1;
    const auto result = solved(x, y, for_shapes(rank), &status);
    EXPECT_EQ(status, converged);
    const double distortion = distortion_of(x, y, result);
    EXPECT_NEAR(result.cost, distortion, 1e-5 * distortion);
    EXPECT_LE(result.lower_bound, result.cost);
    EXPECT_GE(result.upper_bound, result.cost);
  }
}

/// The same shape turned, mirrored, moved: as many clusters as points find it.
TEST(LowRankShapes, TurnedShapesAreAtNoDistance) {
  const Cloud x = blobs(30, 2, 30, 0, 1);
  Cloud y = x;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double u = x.points[2 * i], v = x.points[2 * i + 1];
    y.points[2 * i] = 100 + 0.6 * u + 0.8 * v;
    y.points[2 * i + 1] = -50 + 0.8 * u - 0.6 * v;
  }
  double before = INFINITY;
  for (const int rank : {1, 4, 30}) {
    const auto result = solved(x, y, for_shapes(rank));
    EXPECT_LT(result.cost, before) << rank;
    EXPECT_EQ(result.lower_bound, 0);
    before = result.cost;
  }
  EXPECT_LT(before, 1e-2 * solved(x, y, for_shapes(1)).cost);
}

/// Shapes on a line that differ by a factor: their distortion is that of the squared distances.
TEST(LowRankShapes, ScaledShapes) {
  const Cloud x = blobs(25, 1, 25, 0, 3);
  Cloud y = x;
  for (double& one : y.points) one *= 2;
  double expected = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t l = 0; l < x.size(); ++l)
      expected += x.share(i) * x.share(l) * std::pow(3 * square(x, i, x, l), 2);
  const auto result = solved(x, y, for_shapes(25));
  EXPECT_NEAR(result.cost, expected, 2e-2 * expected);
  EXPECT_GE(result.upper_bound, expected * (1 - 1e-9));  // the best plan keeps the order
  EXPECT_LE(result.lower_bound, expected);
  EXPECT_GT(result.lower_bound, 0.4 * expected);
}

/// What one side is like, and where it lies, is no matter of the other.
TEST(LowRankShapes, FarCloudsOfOtherSpreads) {
  const Cloud x = blobs(300, 2, 4, 1, 1), y = blobs(250, 2, 3, 1, 2);
  const auto plain = solved(x, y, for_shapes(6));
  Cloud far = y;
  for (double& one : far.points) one += 1e5;
  const auto moved = solved(x, far, for_shapes(6));
  EXPECT_NEAR(moved.cost, plain.cost, 1e-4 * plain.cost);
  EXPECT_LT(moved.upper_bound - moved.cost, 1e-8 * moved.cost);
  EXPECT_NEAR(moved.lower_bound, plain.lower_bound, 1e-4 * plain.lower_bound);
  // A point or a cloud 10^6 times as large: nearly all of the distortion is its own.
  Cloud wide = y;
  for (double& one : wide.points) one *= 1e6;
  double own = 0;
  for (std::size_t j = 0; j < wide.size(); ++j)
    for (std::size_t e = 0; e < wide.size(); ++e)
      own += wide.share(j) * wide.share(e) * std::pow(square(wide, j, wide, e), 2);
  for (const bool turned : {false, true}) {
    const auto result = turned ? solved(wide, x, for_shapes(6)) : solved(x, wide, for_shapes(6));
    EXPECT_NEAR(result.cost, own, 1e-6 * own);
    EXPECT_LE(result.lower_bound, result.cost);
  }
  Cloud outlier = x;
  outlier.points[0] = 1e5;
  outlier.weights[0] = 1e-10;
  const auto lone = solved(outlier, y, for_shapes(6));
  EXPECT_LE(lone.lower_bound, lone.upper_bound);
  EXPECT_TRUE(std::isfinite(lone.cost));
  const auto itself = solved(outlier, outlier, for_shapes(6));
  EXPECT_LE(itself.lower_bound, 1e-9);
  for (const double scale : {1e-90, 1e90}) {
    Cloud extreme = x;
    for (double& one : extreme.points) one *= scale;
    EXPECT_THROW(between(extreme, extreme, for_shapes(3)), std::invalid_argument);
  }
}

TEST(LowRankShapes, SinglePointsProgressAndMistakes) {
  const Cloud y = blobs(30, 2, 3, 1, 2), one{2, {2.0}, {0.1, -0.7}};
  double expected = 0;
  for (std::size_t j = 0; j < y.size(); ++j)
    for (std::size_t e = 0; e < y.size(); ++e)
      expected += y.share(j) * y.share(e) * std::pow(square(y, j, y, e), 2);
  for (const bool turned : {false, true}) {
    const auto result = turned ? solved(y, one, for_shapes(3)) : solved(one, y, for_shapes(3));
    EXPECT_NEAR(result.cost, expected, 1e-9 * expected);
    EXPECT_LE(result.lower_bound, result.cost);
  }
  const Cloud x = blobs(200, 2, 4, 1, 1);
  const auto whole = between(x, y, for_shapes(4)), begun = between(x, y, for_shapes(4)),
             again = between(x, y, for_shapes(4));
  whole.run(1000, nullptr, 0);
  begun.run(2, nullptr, 0);
  again.set_progress(begun.progress());
  again.run(1000, nullptr, 0);
  EXPECT_EQ(again.iterations(), whole.iterations());
  EXPECT_EQ(again.result().cost, whole.result().cost);
  EXPECT_FALSE(LowRankProblem::takes(CosineCost{}, LowRankObjective::gromov_wasserstein));
}

}  // namespace
}  // namespace otfleet::kernels

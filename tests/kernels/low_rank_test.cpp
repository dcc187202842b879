// Plans of low rank against what is known of them: dense sums, products of blocks, transport on a
// line, and the bounds.
#include "kernels/api/low_rank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

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

/// What transport costs on a line, by quantiles.
double cost_on_line(const Cloud& x, const Cloud& y) {
  const auto order_of = [](const Cloud& cloud) {
    std::vector<std::size_t> order(cloud.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::sort(order.begin(), order.end(),
              [&](auto i, auto j) { return cloud.points[i] < cloud.points[j]; });
    return order;
  };
  const auto from = order_of(x), to = order_of(y);
  std::size_t i = 0, j = 0;
  double left = x.share(from[0]), room = y.share(to[0]), cost = 0;
  while (true) {
    const double mass = std::min(left, room);
    cost += mass * square(x, from[i], y, to[j]);
    left -= mass;
    room -= mass;
    if (left <= room) {
      if (++i == x.size()) break;
      left += x.share(from[i]);
    } else {
      if (++j == y.size()) break;
      room += y.share(to[j]);
    }
  }
  return cost;
}

/// Shares of clusters [n, r], from what a result says of them.
std::vector<double> factor_of(const Cloud& cloud, const LowRankResult& result, bool source) {
  const auto& slopes = source ? result.source_slopes : result.target_slopes;
  const auto& offsets = source ? result.source_offsets : result.target_offsets;
  const auto r = static_cast<std::size_t>(result.rank), d = static_cast<std::size_t>(cloud.d);
  std::vector<double> factor(cloud.size() * r);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    double most = -INFINITY, sum = 0;
    for (std::size_t k = 0; k < r; ++k) {
      double exponent = offsets[k];
      for (std::size_t c = 0; c < d; ++c) exponent += slopes[k * d + c] * cloud.points[i * d + c];
      factor[i * r + k] = exponent;
      most = std::max(most, exponent);
    }
    for (std::size_t k = 0; k < r; ++k)
      sum += factor[i * r + k] = std::exp(factor[i * r + k] - most);
    for (std::size_t k = 0; k < r; ++k) factor[i * r + k] *= cloud.share(i) / sum;
  }
  return factor;
}

TEST(LowRank, TheResultDescribesAFeasiblePlanOfThatCost) {
  const Cloud x = blobs(300, 3, 4, 1, 1), y = blobs(200, 3, 5, 1.5, 2);
  int status = -1;
  const auto result = solved(x, y, with_rank(8), &status);
  EXPECT_EQ(status, converged);
  ASSERT_EQ(result.rank, 8);
  const auto q = factor_of(x, result, true), r = factor_of(y, result, false);
  std::vector<double> rows(x.size(), 0.0), columns(y.size(), 0.0);
  double cost = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < y.size(); ++j) {
      double entry = 0;
      for (std::size_t k = 0; k < 8; ++k) entry += q[i * 8 + k] * r[j * 8 + k] / result.masses[k];
      rows[i] += entry;
      columns[j] += entry;
      cost += entry * square(x, i, y, j);
    }
  double off = 0;
  for (std::size_t i = 0; i < x.size(); ++i) off += std::abs(rows[i] - x.share(i));
  for (std::size_t j = 0; j < y.size(); ++j) off += std::abs(columns[j] - y.share(j));
  EXPECT_LT(off, 1e-6);
  EXPECT_LT(result.marginal_error, 1e-6);
  EXPECT_NEAR(cost, result.cost, 1e-6 * cost);
  // Centers are the means of the factors.
  for (std::size_t k = 0; k < 8; ++k)
    for (std::size_t c = 0; c < 3; ++c) {
      double mean = 0, mass = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        mean += q[i * 8 + k] * x.points[i * 3 + c];
        mass += q[i * 8 + k];
      }
      EXPECT_NEAR(mean / mass, result.source_centers[k * 3 + c], 1e-6);
    }
}

TEST(LowRank, RankOneIsTheProduct) {
  const Cloud x = blobs(40, 2, 3, 1, 1), y = blobs(50, 2, 2, 1, 2);
  double product = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < y.size(); ++j)
      product += x.share(i) * y.share(j) * square(x, i, y, j);
  const auto result = solved(x, y, with_rank(1));
  EXPECT_NEAR(result.cost, product, 1e-12 * product);
  EXPECT_GE(result.upper_bound, result.cost);
}

TEST(LowRank, FarApartGroupsAreMatchedAsBlocks) {
  // Groups of equal mass that move by less than they are apart: a plan of their number spreads
  // each.
  const int groups = 6;
  Cloud x{2, {}, {}}, y{2, {}, {}};
  const CounterRandom random(3, 0);
  double expected = 0;
  for (int k = 0; k < groups; ++k) {
    std::vector<double> from, to;
    for (int i = 0; i < 50; ++i)
      for (int c = 0; c < 2; ++c) {
        const auto at = static_cast<std::uint64_t>(k * 50 + i) * 2 + static_cast<std::uint64_t>(c);
        const double place = 100 * std::cos(2 * M_PI * k / groups + c);
        from.push_back(place + random.uniform(at));
        to.push_back(place + 5 + 2 * random.uniform(10000 + at));
      }
    x.points.insert(x.points.end(), from.begin(), from.end());
    y.points.insert(y.points.end(), to.begin(), to.end());
  }
  x.weights.assign(groups * 50, 1.0);
  y.weights = x.weights;
  for (int k = 0; k < groups; ++k)
    for (std::size_t i = 0; i < 50; ++i)
      for (std::size_t j = 0; j < 50; ++j)
        expected += square(x, 50 * static_cast<std::size_t>(k) + i, y,
                           50 * static_cast<std::size_t>(k) + j) /
                    (groups * 2500);
  EXPECT_NEAR(solved(x, y, with_rank(groups)).cost, expected, 1e-3 * expected);
  const auto result = solved(x, y, with_rank(groups, 1e-7));
  EXPECT_NEAR(result.cost, expected, 1e-5 * expected);
  for (std::size_t k = 0; k < groups; ++k) EXPECT_NEAR(result.masses[k], 1.0 / groups, 1e-6);
}

TEST(LowRank, MoreClustersCostLessAndBoundsHoldOnALine) {
  const Cloud x = blobs(90, 1, 3, 1, 1), y = blobs(110, 1, 2, 2, 2);
  const double exact = cost_on_line(x, y);
  double before = INFINITY;
  for (const int rank : {1, 2, 4, 8, 16, 32}) {
    const auto result = solved(x, y, with_rank(rank));
    EXPECT_LE(result.cost, before * (1 + 1e-3)) << rank;
    EXPECT_GE(result.upper_bound, exact) << rank;
    EXPECT_LE(result.lower_bound, exact) << rank;
    EXPECT_GT(result.lower_bound, 0.98 * exact) << rank;
    EXPECT_EQ(result.bound_failure, 0);
    before = result.cost;
  }
  EXPECT_LT(before, 1.02 * exact);
}

TEST(LowRank, AsManyClustersAsPointsIsTransport) {
  Cloud x = blobs(24, 1, 24, 0, 1), y = blobs(24, 1, 24, 0, 2);
  x.weights.assign(24, 1.0);
  y.weights.assign(24, 1.0);
  const double exact = cost_on_line(x, y);
  const auto result = solved(x, y, with_rank(24));
  EXPECT_NEAR(result.cost, exact, 1e-2 * exact);
  // More than there are points: as many as there are.
  const auto more = solved(x, y, with_rank(40));
  EXPECT_LE(more.rank, 24);
  EXPECT_EQ(more.masses.size(), 40u);
  EXPECT_EQ(more.masses[39], 0);
  EXPECT_TRUE(std::isnan(more.source_centers[39]));
  EXPECT_NEAR(more.cost, exact, 1e-2 * exact);
}

TEST(LowRank, BoundsOfASampleHold) {
  const Cloud x = blobs(3000, 1, 3, 1, 1), y = blobs(3000, 1, 2, 2, 2);
  const double exact = cost_on_line(x, y);
  auto settings = with_rank(10);
  const double all = solved(x, y, settings).lower_bound;
  settings.bound_pairs = 3e6;
  settings.representatives = 256;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const LowRankProblem problem(SquaredEuclideanCost{}, 1, x.view(), y.view(), settings, seed, 0);
    problem.run(3, nullptr, 0);
    const auto result = problem.result();
    EXPECT_LE(result.lower_bound, exact);
    EXPECT_GT(result.lower_bound, 0.8 * exact);
    EXPECT_EQ(result.bound_failure, 1e-3);
  }
  EXPECT_LE(all, exact);
  EXPECT_GT(all, 0.99 * exact);
}

TEST(LowRank, ScalesPlacesAndMassesChangeNothing) {
  const Cloud x = blobs(200, 2, 4, 1, 1), y = blobs(150, 2, 3, 1, 2);
  const auto plain = solved(x, y, with_rank(6));
  for (const double scale : {1e-6, 1e6}) {
    Cloud larger = x, other = y;
    for (auto* cloud : {&larger, &other})
      for (double& one : cloud->points) one *= scale;
    for (double& weight : larger.weights) weight *= scale;
    EXPECT_NEAR(solved(larger, other, with_rank(6)).cost, scale * scale * plain.cost,
                1e-6 * scale * scale * plain.cost);
  }
  Cloud far = x, away = y;
  for (auto* cloud : {&far, &away})
    for (double& one : cloud->points) one += 1e6;
  const auto moved = solved(far, away, with_rank(6));
  EXPECT_NEAR(moved.cost, plain.cost, 1e-4 * plain.cost);
  EXPECT_GE(moved.upper_bound, moved.lower_bound);
  // Points without weight are not there.
  Cloud more = x;
  more.weights.insert(more.weights.begin() + 7, 0.0);
  more.points.insert(more.points.begin() + 14, {1e9, -1e9});
  EXPECT_NEAR(solved(more, y, with_rank(6)).cost, plain.cost, 1e-9 * plain.cost);
}

/// Points on a line around a place, in steps of 2^-20, so that numbers and their differences are
/// exact, and what transport costs is.
TEST(LowRank, BoundsHoldFarFromTheOrigin) {
  for (const double place : {0.0, 1e2, 1e4, 1e6})
    for (std::uint64_t draw = 0; draw < 40; ++draw) {
      const CounterRandom random(77, draw);
      Cloud x{1, {}, {}}, y{1, {}, {}};
      for (std::uint64_t i = 0; i < 4; ++i) {
        x.weights.push_back(1);
        y.weights.push_back(1);
        x.points.push_back(place + std::floor(0x1p20 * random.uniform(i)) / 0x1p20);
        y.points.push_back(place + 1 + std::floor(0x1p20 * random.uniform(10 + i)) / 0x1p20);
      }
      const double exact = cost_on_line(x, y);
      const auto result = solved(x, y, with_rank(4, 1e-9));
      EXPECT_GE(result.upper_bound, exact);
      EXPECT_LE(result.lower_bound, exact);
      EXPECT_LT(result.upper_bound - result.cost, 1e-11);
    }
}

/// Of one cloud much wider than the other, and with points far from all others.
TEST(LowRank, CloudsOfOtherSpreads) {
  const Cloud x = blobs(300, 1, 3, 1, 1);
  for (const double scale : {1e-9, 1e-3, 1e3, 1e9}) {
    Cloud y = blobs(200, 1, 2, 2, 2);
    for (double& one : y.points) one *= scale;
    const double exact = cost_on_line(x, y);
    int status = -1;
    const auto result = solved(x, y, with_rank(8), &status);
    EXPECT_EQ(status, converged) << scale;
    EXPECT_GE(result.upper_bound, exact) << scale;
    EXPECT_LE(result.lower_bound, exact) << scale;
    EXPECT_NEAR(result.cost, exact, 0.1 * exact) << scale;
    EXPECT_GT(result.lower_bound, 0.99 * exact) << scale;
  }
  Cloud far = x;
  far.points[0] = 1e9;
  far.weights[0] = 1e-9;
  const Cloud y = blobs(200, 1, 2, 2, 2);
  const double exact = cost_on_line(far, y);
  const auto result = solved(far, y, with_rank(8));
  EXPECT_GE(result.upper_bound, exact);
  EXPECT_LE(result.lower_bound, exact);
}

TEST(LowRank, OneHeavyPointAmongMany) {
  Cloud x = blobs(12000, 1, 3, 1, 1);
  const Cloud y = blobs(12000, 1, 2, 2, 2);
  x.weights[7] = 12000;  // half of the mass
  int status = -1;
  const auto result = solved(x, y, with_rank(8), &status);
  EXPECT_EQ(status, converged);
  const double exact = cost_on_line(x, y);
  EXPECT_GE(result.upper_bound, exact);
  EXPECT_LT(result.cost, 1.1 * exact);
  EXPECT_LE(result.lower_bound, exact);
}

TEST(LowRank, SinglePointsAndEqualPoints) {
  const Cloud y = blobs(30, 2, 3, 1, 2);
  const Cloud one{2, {2.0}, {0.1, -0.7}},
      equal{2, {1.0, 3.0, 1.0}, {0.1, -0.7, 0.1, -0.7, 0.1, -0.7}};
  double expected = 0;
  for (std::size_t j = 0; j < y.size(); ++j) expected += y.share(j) * square(one, 0, y, j);
  for (const auto* x : {&one, &equal})
    for (const bool turned : {false, true}) {
      int status = -1;
      const auto result =
          turned ? solved(y, *x, with_rank(5), &status) : solved(*x, y, with_rank(5), &status);
      EXPECT_EQ(status, converged);
      EXPECT_NEAR(result.cost, expected, 1e-9 * expected);
      EXPECT_LE(result.lower_bound, expected * (1 + 1e-12));
      EXPECT_GT(result.lower_bound, 0.99 * expected);
    }
  const auto same = solved(one, one, with_rank(3));
  EXPECT_EQ(same.cost, 0);
  EXPECT_EQ(same.rank, 1);
  // A measure and itself: the rank decides.
  EXPECT_LT(solved(y, y, with_rank(30)).cost, 1e-2 * solved(y, y, with_rank(1)).cost);
}

TEST(LowRank, GoesOnFromProgress) {
  const Cloud x = blobs(400, 2, 4, 1, 1), y = blobs(500, 2, 3, 1, 2);
  const auto whole = between(x, y, with_rank(7, 1e-6));
  whole.run(1000, nullptr, 0);
  const auto begun = between(x, y, with_rank(7, 1e-6));
  begun.run(4, nullptr, 0);
  EXPECT_EQ(begun.status(), static_cast<int>(Status::iteration_limit));
  const auto again = between(x, y, with_rank(7, 1e-6));
  EXPECT_EQ(again.progress().size(), begun.progress().size());
  again.set_progress(begun.progress());
  again.run(1000, nullptr, 0);
  EXPECT_EQ(again.status(), converged);
  EXPECT_EQ(again.iterations(), whole.iterations());
  EXPECT_EQ(again.result().cost, whole.result().cost);
}

TEST(LowRank, AnglesAreHalfTheSquaredDistanceOfDirections) {
  const Cloud x = blobs(80, 3, 4, 1, 1), y = blobs(90, 3, 3, 1, 2);
  const auto unit = [](Cloud cloud) {
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      double square = 0;
      for (std::size_t c = 0; c < 3; ++c) square += std::pow(cloud.points[i * 3 + c], 2);
      for (std::size_t c = 0; c < 3; ++c) cloud.points[i * 3 + c] /= std::sqrt(square);
    }
    return cloud;
  };
  const LowRankProblem cosine(CosineCost{}, 3, x.view(), y.view(), with_rank(5), 0, 0);
  cosine.run(1000, nullptr, 0);
  const double expected = solved(unit(x), unit(y), with_rank(5)).cost / 2;
  EXPECT_NEAR(cosine.result().cost, expected, 1e-9 * expected);
  // Directions that hardly differ: bounds have the rounding of dividing by lengths.
  const Cloud narrow{2, {1, 1}, {3, 1e-9, 7, 2e-9}}, other{2, {1, 1}, {5, 3e-9, 11, 1e-9}};
  const LowRankProblem thin(CosineCost{}, 2, narrow.view(), other.view(), with_rank(2), 0, 0);
  thin.run(1000, nullptr, 0);
  EXPECT_GT(thin.result().upper_bound, 1e-16);
  EXPECT_EQ(thin.result().lower_bound, 0);
  EXPECT_FALSE(LowRankProblem::takes(EuclideanCost{}, LowRankObjective::linear));
  EXPECT_THROW(LowRankProblem(EuclideanCost{}, 3, x.view(), y.view(), with_rank(5), 0, 0),
               std::invalid_argument);
}

TEST(LowRank, ProjectionsAreMeansUnderThePlan) {
  const Cloud x = blobs(60, 2, 3, 1, 1), y = blobs(70, 2, 3, 1, 2);
  const auto problem = between(x, y, with_rank(4));
  problem.run(1000, nullptr, 0);
  const auto result = problem.result({true, true});
  const auto& images = result.projection;
  const auto q = factor_of(x, result, true), r = factor_of(y, result, false);
  for (std::size_t i = 0; i < x.size(); i += 7)
    for (std::size_t c = 0; c < 2; ++c) {
      double mean = 0;
      for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t j = 0; j < y.size(); ++j)
          mean += q[i * 4 + k] * r[j * 4 + k] / result.masses[k] * y.points[j * 2 + c];
      EXPECT_NEAR(images[i * 2 + c], mean / x.share(i), 1e-5);
    }
}

TEST(LowRank, MistakesAreNamed) {
  const Cloud x = blobs(5, 2, 1, 1, 1);
  const Cloud none{2, {0.0, 0.0}, {0, 0, 1, 1}}, lost{2, {1.0}, {NAN, 0}};
  EXPECT_THROW(between(x, none, with_rank(2)), std::invalid_argument);
  EXPECT_THROW(between(lost, x, with_rank(2)), std::invalid_argument);
  EXPECT_THROW(between(x, x, with_rank(0)), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

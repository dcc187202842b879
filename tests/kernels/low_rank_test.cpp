// Plans of low rank against what is known of them: dense sums, products of blocks, transport on a
// line, and the bounds.
#include "kernels/api/low_rank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/counter_random.hpp"
#include "kernels/problems/status.hpp"

namespace otfleet::kernels {
namespace {

constexpr int converged = static_cast<int>(Status::converged);

struct Cloud {
  int d = 1;
  std::vector<double> weights, points;

  std::size_t size() const { return weights.size(); }
  WeightedPoints view() const { return {weights, points}; }
  double share(std::size_t i) const {
    return weights[i] / std::accumulate(weights.begin(), weights.end(), 0.0);
  }
};

/// Normal points around one of some places, with weights between 1/2 and 3/2.
Cloud blobs(int n, int d, int places, double width, std::uint64_t stream) {
  const CounterRandom random(11, stream), where(12, stream);
  Cloud cloud{d, {}, {}};
  std::uint64_t draw = 0;
  const auto normal = [&](const CounterRandom& from, std::uint64_t k) {
    return std::sqrt(-2 * std::log1p(-from.uniform(2 * k))) *
           std::cos(2 * M_PI * from.uniform(2 * k + 1));
  };
  for (int i = 0; i < n; ++i) {
    const int place = i % places;
    cloud.weights.push_back(0.5 + random.uniform(1000000 + static_cast<std::uint64_t>(i)));
    for (int c = 0; c < d; ++c)
      cloud.points.push_back(
          4 * normal(where, static_cast<std::uint64_t>(place) * static_cast<std::uint64_t>(d) +
                                static_cast<std::uint64_t>(c)) +
          width * normal(random, draw++));
  }
  return cloud;
}

double square(const Cloud& x, std::size_t i, const Cloud& y, std::size_t j) {
  double sum = 0;
  for (int c = 0; c < x.d; ++c) sum += std::pow(x.points[i * x.d + c] - y.points[j * x.d + c], 2);
  return sum;
}

LowRankSettings with_rank(int rank, double threshold = 1e-5) {
  LowRankSettings settings;
  settings.rank = rank;
  settings.threshold = threshold;
  return settings;
}

LowRankProblem between(const Cloud& x, const Cloud& y, const LowRankSettings& settings) {
  return {SquaredEuclideanCost{}, x.d, x.view(), y.view(), settings, 0, 0};
}

LowRankResult solved(const Cloud& x, const Cloud& y, const LowRankSettings& settings,
                     int* status = nullptr) {
  const auto problem = between(x, y, settings);
  problem.run(1000, nullptr, 0);
  if (status != nullptr) *status = problem.status();
  return problem.result();
}

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

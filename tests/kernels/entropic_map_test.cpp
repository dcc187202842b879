#include "kernels/api/entropic_map.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/cloud_batch.hpp"

namespace otfleet::kernels {
namespace {

using test::Random;
using test::Row;

/// Of x and y, as kernels sum it.
template <class Cost>
auto sum_between(const Row& x, const Row& y) {
  typename Cost::template Sum<double> sum(0.0);
  for (std::size_t c = 0; c < x.size(); ++c) sum = Cost::add(sum, x[c], y[c]);
  return sum;
}
template <class Cost>
double cost_between(const Cost& cost, const Row& x, const Row& y) {
  return cost.template from_sum<double, double>(sum_between<Cost>(x, y));
}
template <class Cost>
Row slope_at(const Cost& cost, const Row& x, const Row& y) {
  Row slope(x.size(), 0.0);
  cost.add_slope(1, sum_between<Cost>(x, y), x.data(), y.data(), static_cast<int>(x.size()),
                 slope.data());
  return slope;
}
double inner(const Row& x, const Row& y) {
  double sum = 0;
  for (std::size_t c = 0; c < x.size(); ++c) sum += x[c] * y[c];
  return sum;
}

const std::vector<GroundCost>& costs_with_maps() {
  static const std::vector<GroundCost> all = {
      SquaredEuclideanCost{}, PowerCost(1.5),       PowerCost(2),         PowerCost(3),
      ElasticCost(),          ElasticCost(0.7, 0),  ElasticCost(0, 0.9),  ElasticCost(0.3, 0.4),
      KOverlapCost(1, 0.5),   KOverlapCost(2, 3.0), KOverlapCost(5, 1.5), KOverlapCost(3, 0.0)};
  return all;
}

TEST(CostsWithMaps, ByHand) {
  const Row x = {1, 2, 0}, y = {0, 0, 0};
  EXPECT_DOUBLE_EQ(cost_between(ElasticCost(0.5, 2), x, y), 2.5 + 1.5 + 2 * std::sqrt(5));
  // k = 1: half of the squared sum of lengths; k = 3: half of the square.
  EXPECT_DOUBLE_EQ(cost_between(KOverlapCost(1, 1), x, y), 2.5 + 4.5);
  EXPECT_DOUBLE_EQ(cost_between(KOverlapCost(3, 1), x, y), 5);
  EXPECT_DOUBLE_EQ(cost_between(KOverlapCost(8, 1), x, y), 5);
}

/// The k-support norm is the dual of the root of the k largest squares (Argyriou et al. 2012): its
/// gradient times the norm attains it, and nothing exceeds it.
TEST(CostsWithMaps, TheOverlapNormIsADual) {
  Random random(3);
  const auto dual_norm = [](Row u, int k) {
    for (double& value : u) value = value * value;
    std::sort(u.rbegin(), u.rend());
    double sum = 0;
    for (int i = 0; i < std::min<int>(k, static_cast<int>(u.size())); ++i)
      sum += u[static_cast<std::size_t>(i)];
    return std::sqrt(sum);
  };
  for (int trial = 0; trial < 300; ++trial) {
    const int d = 1 + trial % 9, k = 1 + trial % 8;
    Row z = random.uniform_row(d, -1, 1);
    if (trial % 3 == 0) z[0] = 0;
    if (trial % 5 == 0)
      for (double& value : z) value = std::copysign(0.5, value);  // ties
    const Row zero(z.size(), 0.0);
    const double square = 2 * cost_between(KOverlapCost(k, 1), z, zero) - inner(z, z);
    Row slope = slope_at(KOverlapCost(k, 1), z, zero);
    for (std::size_t c = 0; c < z.size(); ++c) slope[c] -= z[c];
    EXPECT_NEAR(inner(z, slope), square, 1e-12);
    if (trial % 3 != 0) {  // else a subgradient that is not the largest
      EXPECT_NEAR(dual_norm(slope, k), std::sqrt(square), 1e-12);
    }
    for (int other = 0; other < 20; ++other) {
      const Row u = random.uniform_row(d, -1, 1);
      EXPECT_LE(inner(z, u), std::sqrt(square) * dual_norm(u, k) + 1e-12);
    }
  }
}

TEST(CostsWithMaps, SlopesAreDerivativesAndHaveInverses) {
  Random random(5);
  for (const auto& any : costs_with_maps())
    with_ground_cost(any, [&](const auto& cost) {
      ASSERT_TRUE(cost.has_maps());
      for (int trial = 0; trial < 40; ++trial) {
        const Row x = random.uniform_row(4, -2, 2), y = random.uniform_row(4, -2, 2);
        const Row slope = slope_at(cost, x, y);
        for (std::size_t c = 0; c < 4; ++c) {
          Row more = x, less = x;
          more[c] += 1e-6;
          less[c] -= 1e-6;
          EXPECT_NEAR((cost_between(cost, more, y) - cost_between(cost, less, y)) / 2e-6, slope[c],
                      1e-7)
              << cost.name;
        }
        Row back = slope;
        cost.conjugate_slope(back.data(), 4);
        for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(back[c], x[c] - y[c], 1e-10) << cost.name;
      }
    });
}

/// Of any w, also where the cost has kinks: h(z) − <w, z> is least at grad h*(w).
TEST(CostsWithMaps, InverseSlopesMinimize) {
  Random random(7);
  for (const auto& any : costs_with_maps())
    with_ground_cost(any, [&](const auto& cost) {
      for (int trial = 0; trial < 60; ++trial) {
        const int d = 1 + trial % 6;
        const Row w = random.uniform_row(d, -2, 2), zero(static_cast<std::size_t>(d), 0.0);
        Row z = w;
        cost.conjugate_slope(z.data(), d);
        const auto value = [&](const Row& at) {
          return cost_between(cost, at, zero) - inner(w, at);
        };
        const double least = value(z);
        for (const double size : {1.0, 0.1, 1e-3})
          for (int other = 0; other < 10; ++other) {
            Row moved = z;
            const Row step = random.uniform_row(d, -size, size);
            for (std::size_t c = 0; c < moved.size(); ++c) moved[c] += step[c];
            EXPECT_GE(value(moved), least - 1e-12) << cost.name;
          }
      }
    });
}

/// Against sums over all points, far from the points as well, and where some have no weight.
TEST(EntropicMap, IsTheSumOverAllPoints) {
  Random random(9);
  constexpr int d = 3, m = 40;
  for (const auto& any : costs_with_maps())
    for (const double epsilon : {2e-3, 0.1, 10.0})
      with_ground_cost(any, [&](const auto& cost) {
        Row y = random.uniform_row(m * d, -1, 1), g = random.uniform_row(m, -0.5, 0.5);
        g[4] = g[20] = -std::numeric_limits<double>::infinity();
        Row points = random.uniform_row(20 * d, -1, 1);
        for (int c = 0; c < d; ++c) points[static_cast<std::size_t>(c)] = 30 + c;
        const auto found = entropic_map(any, d, epsilon, {y, g}, points, true);
        for (std::size_t i = 0; i < 20; ++i) {
          const Row x(points.begin() + i * d, points.begin() + (i + 1) * d);
          long double most = -1e300L, total = 0, slope[d] = {};
          std::vector<long double> gains;
          for (std::size_t j = 0; j < m; ++j) {
            const Row at(y.begin() + j * d, y.begin() + (j + 1) * d);
            gains.push_back(g[j] - static_cast<long double>(cost_between(cost, x, at)));
            most = std::max(most, gains.back());
          }
          for (std::size_t j = 0; j < m; ++j) {
            const Row at(y.begin() + j * d, y.begin() + (j + 1) * d);
            const long double share = std::exp((gains[j] - most) / epsilon);
            total += share;
            const Row own = slope_at(cost, x, at);
            for (std::size_t c = 0; c < d; ++c) slope[c] += share * own[c];
          }
          Row moved;
          for (const long double one : slope) moved.push_back(static_cast<double>(one / total));
          cost.conjugate_slope(moved.data(), d);
          const double scale = i == 0 ? 1000 : 1;
          for (std::size_t c = 0; c < d; ++c)
            EXPECT_NEAR(found.images[i * d + c], x[c] - moved[c], scale * 1e-9) << cost.name;
          const auto value = static_cast<double>(-most - epsilon * std::log(total));
          EXPECT_NEAR(found.values[i], value, scale * 1e-9) << cost.name;
        }
      });
}

/// Both ways to compute it agree where both can.
TEST(EntropicMap, ASquareIsAPower) {
  Random random(11);
  const Row y = random.uniform_row(300 * 2, -1, 1), g = random.uniform_row(300, -0.1, 0.1),
            points = random.uniform_row(20000 * 2, -1, 1);  // more than fit into one piece
  const auto mean = entropic_map(SquaredEuclideanCost{}, 2, 0.05, {y, g}, points, true);
  const auto slope = entropic_map(PowerCost(2), 2, 0.05, {y, g}, points, true);
  ASSERT_EQ(mean.images.size(), points.size());
  ASSERT_EQ(slope.values.size(), points.size() / 2);
  for (std::size_t at = 0; at < points.size(); ++at)
    ASSERT_NEAR(mean.images[at], slope.images[at], 1e-11);
  for (std::size_t at = 0; at < slope.values.size(); ++at)
    ASSERT_NEAR(mean.values[at], slope.values[at], 1e-11);
}

/// So far away that nothing but the nearest point counts, and without any potential.
TEST(EntropicMap, FarPointsAndNoPotential) {
  const Row y = {0, 0, 1, 1}, far = {1e9, 2e9, 0.9, 0.8}, g = {0, 0};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Row none = {-infinity, -infinity};
  for (const GroundCost& cost : {GroundCost(SquaredEuclideanCost{}), GroundCost(PowerCost(2))}) {
    const auto found = entropic_map(cost, 2, 1e-4, {y, g}, far);
    for (const double image : found.images) EXPECT_NEAR(image, 1, 1e-6) << name_of(cost);
    for (const double image : entropic_map(cost, 2, 1, {y, none}, far).images)
      EXPECT_TRUE(std::isnan(image)) << name_of(cost);
  }
}

/// Coordinates that a displacement does not need stay: one target point, shifted.
TEST(EntropicMap, ElasticCostsLeaveCoordinatesAlone) {
  const Row y = {3, 0.2, 0}, g = {0}, points = {0, 0, 0};
  const auto lasso = entropic_map(ElasticCost(0.5, 0), 3, 1e-3, {y, g}, points);
  for (std::size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(lasso.images[c], y[c], 1e-15);  // exact costs go all the way
  // Between two targets, of which each would move another coordinate a little.
  const Row two = {1, 0.1, 0, 1, -0.1, 0}, both = {0, 0};
  const auto mean = entropic_map(ElasticCost(), 3, 1, {two, both}, points);
  const auto sparse = entropic_map(ElasticCost(0.2, 0), 3, 1, {two, both}, points);
  for (const auto* found : {&mean, &sparse}) {
    EXPECT_NEAR(found->images[0], 1, 1e-12);
    EXPECT_NEAR(found->images[1], 0, 1e-12);
  }
  const Row uneven = {0.05, 0};
  EXPECT_GT(std::abs(entropic_map(ElasticCost(), 3, 1, {two, uneven}, points).images[1]), 1e-3);
  EXPECT_EQ(entropic_map(ElasticCost(0.2, 0), 3, 1, {two, uneven}, points).images[1], 0);
}

TEST(EntropicMap, NothingToMapAndWhatDoesNotFit) {
  const Row y = {0, 0, 1, 1}, g = {0, 0};
  EXPECT_TRUE(entropic_map(ElasticCost(1, 1), 2, 1, {y, g}, {}).images.empty());
  EXPECT_TRUE(entropic_map(SquaredEuclideanCost{}, 2, 1, {y, g}, {}).images.empty());
  for (const GroundCost& cost :
       {GroundCost(EuclideanCost{}), GroundCost(PowerCost(1)), GroundCost(ManhattanCost{}),
        GroundCost(GreatCircleCost{}), GroundCost(CosineCost{}), GroundCost(ChebyshevCost{})})
    EXPECT_THROW(entropic_map(cost, 2, 1, {y, g}, y), std::invalid_argument) << name_of(cost);
  EXPECT_THROW(entropic_map(ElasticCost(), 3, 1, {y, g}, y), std::invalid_argument);
  EXPECT_THROW(entropic_map(ElasticCost(), 2, 0, {y, g}, y), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

#include "kernels/api/sliced.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/problems/status.hpp"
#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/reference.hpp"

namespace otfleet::kernels {
namespace {

using test::Random;
using test::Row;

struct Clouds {
  int d = 2;
  Row weights, points;
  std::vector<std::int64_t> offsets = {0};

  void add(const Row& w, const Row& x) {
    weights.insert(weights.end(), w.begin(), w.end());
    points.insert(points.end(), x.begin(), x.end());
    offsets.push_back(static_cast<std::int64_t>(weights.size()));
  }
  OwnPointsSide side() const { return {weights, points, offsets}; }
  /// The cost along a direction, or of the points themselves, by the network simplex.
  double exact(double power, const Row& direction) const {
    const auto n = static_cast<std::size_t>(offsets[1]),
               m = static_cast<std::size_t>(offsets[2]) - n, width = static_cast<std::size_t>(d);
    test::DenseProblem problem{static_cast<int>(n), static_cast<int>(m), {}, {}, {}, 0};
    const auto mass = [&](std::size_t begin, std::size_t end) {
      return std::accumulate(weights.begin() + static_cast<std::ptrdiff_t>(begin),
                             weights.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
    };
    for (std::size_t i = 0; i < n; ++i) problem.a.push_back(weights[i] / mass(0, n));
    for (std::size_t j = 0; j < m; ++j) problem.b.push_back(weights[n + j] / mass(n, n + m));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = n; j < n + m; ++j) {
        double along = 0, square = 0;
        for (std::size_t c = 0; c < width; ++c) {
          const double difference = points[i * width + c] - points[j * width + c];
          square += difference * difference;
          if (!direction.empty()) along += direction[c] * difference;
        }
        problem.cost.push_back(
            std::pow(direction.empty() ? std::sqrt(square) : std::abs(along), power));
      }
    return test::exact_cost(problem);
  }
};

SlicedResults solve(const Clouds& clouds, double power, std::span<const double> directions,
                    const MaxSlicedSettings& settings = {}) {
  const std::int32_t first[] = {0}, second[] = {1};
  return sliced_distances({clouds.d, power, clouds.side(), clouds.side(), first, second},
                          directions, settings);
}

/// Along each direction the network simplex finds the same; weights of any kind, zeros among them.
TEST(Sliced, LinesByTheNetworkSimplex) {
  Random random(1);
  for (const double power : {1.0, 1.5, 2.0, 3.0})
    for (int trial = 0; trial < 10; ++trial) {
      Clouds clouds;
      clouds.d = 3;
      const int n = random.integer(1, 40), m = random.integer(1, 40);
      clouds.add(random.weights(n, 0.2), random.uniform_row(3 * n, -1, 1));
      clouds.add(random.weights(m, 0.2), random.uniform_row(3 * m, -1, 2));
      const auto directions = random_directions(3, 3, static_cast<std::uint64_t>(trial));
      const auto results = solve(clouds, power, directions);
      double sum = 0;
      for (int k = 0; k < 3; ++k)
        sum += clouds.exact(power, Row(directions.begin() + 3 * k, directions.begin() + 3 * k + 3));
      EXPECT_NEAR(results.sliced[0], sum / 3, 1e-9) << power << ' ' << n << ' ' << m;
      EXPECT_NEAR(clouds.exact(power, results.direction), results.max_sliced[0], 1e-9);
      EXPECT_LE(results.max_sliced[0], results.bound[0]);
      EXPECT_LE(results.max_sliced[0], clouds.exact(power, {}) + 1e-9);
    }
}

/// In the plane a grid of angles finds the largest.
TEST(Sliced, MaxSlicedByAGridOfAngles) {
  Random random(2);
  for (const double power : {1.0, 2.0})
    for (int trial = 0; trial < 6; ++trial) {
      Clouds clouds;
      const int n = random.integer(5, 60), m = random.integer(5, 60);
      clouds.add(random.weights(n), random.uniform_row(2 * n, -1, 1));
      clouds.add(random.weights(m), random.uniform_row(2 * m, -0.8, 1.5));
      Row grid;
      for (int k = 0; k < 4000; ++k) {
        const double angle = 3.141592653589793 * k / 4000;
        grid.insert(grid.end(), {std::cos(angle), std::sin(angle)});
      }
      MaxSlicedSettings none;
      none.starts = 1;
      none.steps = 0;
      const double largest = solve(clouds, power, grid, none).max_sliced[0];
      const auto results = solve(clouds, power, random_directions(16, 2, 0));
      EXPECT_GE(results.max_sliced[0], largest * (1 - 1e-4)) << power << ' ' << trial;
      EXPECT_GE(results.bound[0], largest);
    }
}

/// Between Gaussians it is the mean over the sphere of (<t, m>² + (s₁(t) − s₂(t))²); of one that is
/// moved the largest is the square of the move.
TEST(Sliced, GaussiansByTheirClosedForm) {
  Random random(3);
  const auto normal = [&] {
    return std::sqrt(-2 * std::log(1 - random.uniform())) *
           std::cos(6.283185307179586 * random.uniform());
  };
  Clouds clouds;
  clouds.d = 2;
  const int n = 20000;
  Row x, y;
  for (int i = 0; i < n; ++i) {
    x.insert(x.end(), {normal(), 2 * normal()});
    y.insert(y.end(), {3 + 0.5 * normal(), 2 * normal()});
  }
  clouds.add(Row(n, 1.0 / n), x);
  clouds.add(Row(n, 1.0 / n), y);
  const auto directions = random_directions(64, 2, 4);
  const auto results = solve(clouds, 2, directions);
  double mean = 0;
  for (int k = 0; k < 64; ++k) {
    const double c = directions[2 * k], s = directions[2 * k + 1];
    const double gap = std::sqrt(c * c + 4 * s * s) - std::sqrt(0.25 * c * c + 4 * s * s);
    mean += (9 * c * c + gap * gap) / 64;
  }
  EXPECT_NEAR(results.sliced[0], mean, 0.03 * mean);
  EXPECT_NEAR(results.max_sliced[0], 9.25, 0.25);
  EXPECT_NEAR(std::abs(results.direction[0]), 1, 1e-2);
  EXPECT_LE(results.bound[0], 1.1 * results.max_sliced[0]);
}

/// A cloud that is moved: every plan of a line is the move, the bound is tight.
TEST(Sliced, AMoveIsFoundAndCertified) {
  Random random(5);
  Clouds clouds;
  clouds.d = 5;
  const Row x = random.uniform_row(5 * 50, -1, 1);
  Row y = x;
  for (std::size_t i = 0; i < 50; ++i) {
    y[5 * i] += 2;
    y[5 * i + 3] -= 1;
  }
  clouds.add(Row(50, 1), x);
  clouds.add(Row(50, 1), y);
  MaxSlicedSettings settings;
  settings.threshold = 1e-7;
  const auto results = solve(clouds, 2, random_directions(10, 5, 0), settings);
  EXPECT_NEAR(results.max_sliced[0], 5, 1e-9);
  EXPECT_NEAR(results.bound[0], 5, 0.05);
  EXPECT_EQ(results.status[0], static_cast<int>(Status::converged));
}

/// Equal clouds, one point, equal points, outliers, masses of any size.
TEST(Sliced, EdgeCases) {
  Random random(6);
  Clouds same;
  const Row x = random.uniform_row(60, -1, 1);
  same.add(Row(30, 1e-6), x);
  same.add(Row(30, 1e6), x);
  const auto directions = random_directions(8, 2, 1);
  const auto equal = solve(same, 2, directions);
  EXPECT_NEAR(equal.sliced[0], 0, 1e-15);
  EXPECT_NEAR(equal.max_sliced[0], 0, 1e-15);
  EXPECT_EQ(equal.status[0], static_cast<int>(Status::converged));
  Clouds points;
  points.add({1}, {0, 0});
  points.add({2, 2, 2}, {3, 4, 3, 4, 3, 4});
  for (const double power : {1.0, 2.0}) {
    const auto result = solve(points, power, directions);
    EXPECT_NEAR(result.max_sliced[0], std::pow(5, power), 1e-9);
    EXPECT_LE(result.max_sliced[0], result.bound[0]);
  }
  // Most points within few buckets, and an outlier far away.
  Clouds far;
  Row near_points = random.uniform_row(2 * 3000, 0, 1e-9);
  near_points[0] = 1e9;
  far.add(Row(3000, 1), near_points);
  far.add(Row(1, 1), {0, 0});
  const auto result = solve(far, 2, directions);
  EXPECT_NEAR(result.max_sliced[0], 1e18 / 3000, 1e9);
  // A point of no weight far away counts for nothing, and one of little weight for what it is.
  Clouds light;
  Row y = random.uniform_row(200, 0, 1);
  y[0] = 1e9;
  Row weights(100, 1);
  weights[0] = 0;
  light.add(Row(100, 1), random.uniform_row(200, 0, 1));
  light.add(weights, y);
  const auto none = solve(light, 2, directions);
  EXPECT_GT(none.max_sliced[0], 0);
  EXPECT_LT(none.bound[0], 3);
  EXPECT_GE(none.bound[0], none.max_sliced[0]);
  // Far from the origin nothing changes.
  Clouds near_origin, moved;
  Row x0 = random.uniform_row(100, 0, 1), y0 = random.uniform_row(100, 0.2, 1.5);
  near_origin.add(Row(50, 1), x0);
  near_origin.add(Row(50, 1), y0);
  for (auto* points : {&x0, &y0})
    for (double& value : *points) value += 5e6;
  moved.add(Row(50, 1), x0);
  moved.add(Row(50, 1), y0);
  const auto here = solve(near_origin, 2, directions), there = solve(moved, 2, directions);
  EXPECT_NEAR(there.max_sliced[0], here.max_sliced[0], 1e-6);
  EXPECT_GT(there.steps[0], 0);
  EXPECT_THROW(solve(far, 0.5, directions), std::invalid_argument);
  EXPECT_THROW(solve(far, 2, std::span<const double>(directions).first(2)), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

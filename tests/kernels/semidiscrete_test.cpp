// Noise transported to points, against closed forms: on a line cells are intervals, between two
// points half-spaces.
#include "kernels/api/semidiscrete.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/counter_random.hpp"
#include "kernels/problems/status.hpp"

namespace otfleet::kernels {
namespace {

using Row = std::vector<double>;

double normal_cdf(double x) {
  return std::erfc(-x / std::sqrt(2.0)) / 2;
}
double normal_density(double x) {
  return std::isfinite(x) ? std::exp(-x * x / 2) / std::sqrt(2 * M_PI) : 0;
}

/// Of the noise between two numbers, of scale 1: mass, integral of x, integral of x².
struct Part {
  double mass, first, second;
};
Part part_of(NoiseKind kind, double from, double to) {
  if (kind == NoiseKind::uniform) {
    from = std::clamp(from, -1.0, 1.0);
    to = std::clamp(to, -1.0, 1.0);
    return {(to - from) / 2, (to * to - from * from) / 4, (to * to * to - from * from * from) / 6};
  }
  const auto edge = [](double x) { return std::isfinite(x) ? x * normal_density(x) : 0; };
  const double mass = normal_cdf(to) - normal_cdf(from);
  return {mass, normal_density(from) - normal_density(to), mass + edge(from) - edge(to)};
}

double quantile(NoiseKind kind, double share) {
  double low = -40, high = 40;
  if (kind == NoiseKind::uniform) return 2 * share - 1;
  for (int step = 0; step < 200; ++step)
    (normal_cdf((low + high) / 2) < share ? low : high) = (low + high) / 2;
  return low;
}

/// Points on a line, ascending.
struct Line {
  NoiseKind kind;
  double scale;
  Row points, weights;

  double cost_between(const Row& ends) const {
    double sum = 0;
    for (std::size_t j = 0; j < points.size(); ++j) {
      const Part part = part_of(kind, ends[j], ends[j + 1]);
      sum += scale * scale * part.second - 2 * scale * points[j] * part.first +
             points[j] * points[j] * part.mass;
    }
    return sum;
  }
  /// Of the optimal plan, by quantiles.
  double cost() const {
    Row ends = {-INFINITY};
    double sum = 0;
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t j = 0; j + 1 < points.size(); ++j)
      ends.push_back(quantile(kind, (sum += weights[j]) / all));
    ends.push_back(INFINITY);
    return cost_between(ends);
  }
  /// L1 distance and root of the chi-square distance of the shares that potentials give.
  std::pair<double, double> errors(const Row& potential) const {
    // Samples go where 2 x y_j + height_j is largest: the upper envelope of lines of ascending
    // slopes, of which some are nowhere the largest.
    const auto meet = [&](std::size_t i, std::size_t j) {
      const auto height = [&](std::size_t k) { return potential[k] - points[k] * points[k]; };
      return (height(i) - height(j)) / (2 * (points[j] - points[i])) / scale;
    };
    std::vector<std::size_t> lines;
    for (std::size_t j = 0; j < points.size(); ++j) {
      while (lines.size() > 1 &&
             meet(lines[lines.size() - 2], lines.back()) >= meet(lines.back(), j))
        lines.pop_back();
      lines.push_back(j);
    }
    Row shares(points.size(), 0.0);
    for (std::size_t k = 0; k < lines.size(); ++k)
      shares[lines[k]] = part_of(kind, k == 0 ? -INFINITY : meet(lines[k - 1], lines[k]),
                                 k + 1 == lines.size() ? INFINITY : meet(lines[k], lines[k + 1]))
                             .mass;
    double plain = 0, square = 0;
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t j = 0; j < points.size(); ++j) {
      const double b = weights[j] / all;
      plain += std::abs(shares[j] - b);
      square += (shares[j] - b) * (shares[j] - b) / b;
    }
    return {plain, std::sqrt(square)};
  }
};

SemidiscreteResult solve(int d, const Row& weights, const Row& points,
                         const SemidiscreteSettings& settings, std::uint64_t seed = 0) {
  const SemidiscreteProblem problem(d, {weights, points}, settings, seed, 0);
  problem.run(3000, nullptr, 0);
  return problem.result();
}

Line random_line(NoiseKind kind, double scale, int n, bool equal) {
  const CounterRandom random(7, static_cast<std::uint64_t>(n));
  Line line{kind, scale, {}, {}};
  std::uint64_t at = 0;
  for (int j = 0; j < n; ++j) {
    line.points.push_back(3 * (j + 0.8 * random.uniform(at++)) / n - 1);
    line.weights.push_back(equal ? 1 : 0.2 + random.uniform(at++));
  }
  std::sort(line.points.begin(), line.points.end());
  return line;
}

TEST(Semidiscrete, OnALineByQuantiles) {
  for (const auto kind : {NoiseKind::gaussian, NoiseKind::uniform})
    for (const double scale : {1.0, 0.05, 30.0})
      for (const int n : {2, 7, 60, 300}) {
        if (n == 300 && scale != 1) continue;  // takes long, and units are those of scale 1
        SCOPED_TRACE(::testing::Message() << n << " points, scale " << scale);
        const Line line = random_line(kind, scale, n, n == 60);
        SemidiscreteSettings settings;
        settings.noise = {kind, scale};
        settings.threshold = 0.05;
        const auto result = solve(1, line.weights, line.points, settings);
        const double cost = line.cost();
        const auto [plain, chi] = line.errors(result.potential);
        // Many points on a line take more steps than these.
        EXPECT_EQ(result.status, n < 100 ? 0 : 1);
        EXPECT_LE(chi, n < 100 ? 0.06 : 0.25);
        EXPECT_LE(result.lower_bound, cost);
        EXPECT_GE(result.upper_bound, cost);
        EXPECT_LE(result.marginal_lower, plain);
        EXPECT_GE(result.marginal_upper, plain);
        EXPECT_NEAR(result.marginal_error, chi, 0.03);
        EXPECT_NEAR(result.transport_cost, cost, 0.02 * cost + 6 * result.transport_error);
        EXPECT_NEAR(result.dual_value, cost, 0.02 * cost + 6 * result.transport_error);
        double mean = 0;
        for (std::size_t j = 0; j < line.points.size(); ++j)
          mean += line.weights[j] * result.potential[j];
        EXPECT_NEAR(mean, 0, 1e-9 * n * (1 + scale * scale));
      }
}

/// Two points far from the origin: the half-space of weight b is at its quantile along their line.
TEST(Semidiscrete, TwoPointsInManyDimensions) {
  for (const int d : {3, 50, 200})
    for (const double weight : {0.5, 0.1}) {
      SCOPED_TRACE(::testing::Message() << d << " coordinates, weight " << weight);
      Row points(static_cast<std::size_t>(2 * d));
      const CounterRandom random(3, static_cast<std::uint64_t>(d));
      for (std::size_t at = 0; at < points.size(); ++at) points[at] = 5 + random.uniform(at);
      double squares[2] = {0, 0}, apart = 0;
      for (int c = 0; c < d; ++c) {
        const double x = points[static_cast<std::size_t>(c)],
                     y = points[static_cast<std::size_t>(d) + static_cast<std::size_t>(c)];
        squares[0] += x * x;
        squares[1] += y * y;
        apart += (x - y) * (x - y);
      }
      // <x, y_1 − y_0> <= ((|y_1|² − g_1) − (|y_0|² − g_0)) / 2 has the probability `weight`.
      const double exact =
          2 * quantile(NoiseKind::gaussian, weight) * std::sqrt(apart) - squares[1] + squares[0];
      SemidiscreteSettings settings;
      settings.threshold = 0.02;
      const auto result = solve(d, {weight, 1 - weight}, points, settings);
      EXPECT_EQ(result.status, 0);
      EXPECT_NEAR(result.potential[0] - result.potential[1], exact, 0.1 * std::sqrt(apart));
      // E |x − y|² − E 2 <x, y_T>, the latter by the part of a normal variable beyond a quantile.
      const double cost =
          d + weight * squares[0] + (1 - weight) * squares[1] -
          2 * std::sqrt(apart) * normal_density(quantile(NoiseKind::gaussian, weight));
      EXPECT_LE(result.lower_bound, cost);
      EXPECT_GE(result.upper_bound, cost);
      EXPECT_GT(result.lower_bound, cost - 0.02 * (cost - 50 * d / 2.0));
      EXPECT_NEAR(result.transport_cost, cost, 0.01 * cost);
    }
}

/// With epsilon a sample is shared out; between two points the potentials solve one equation.
TEST(Semidiscrete, SoftMinimaBetweenTwoPoints) {
  const double weight = 0.3;
  for (const double epsilon : {0.2, 3.0}) {
    SCOPED_TRACE(epsilon);
    const auto share = [&](double difference) {  // of point 0 at −1, point 1 is at 1
      double sum = 0;
      for (double x = -8; x < 8; x += 1e-3)
        sum += 1e-3 * normal_density(x) /
               (1 + (1 - weight) / weight * std::exp((4 * x - difference) / epsilon));
      return sum;
    };
    double low = -50, high = 50;
    for (int step = 0; step < 60; ++step)
      (share((low + high) / 2) < weight ? low : high) = (low + high) / 2;
    SemidiscreteSettings settings;
    settings.epsilon = epsilon;
    settings.threshold = 0.02;
    const auto result = solve(1, {weight, 1 - weight}, {-1, 1}, settings);
    EXPECT_EQ(result.status, 0);
    EXPECT_NEAR(result.potential[0] - result.potential[1], low, 0.1);
    EXPECT_LE(result.marginal_upper, 0.1);
    const Line line{NoiseKind::gaussian, 1, {-1, 1}, {weight, 1 - weight}};
    EXPECT_LE(result.lower_bound, line.cost());
    EXPECT_GE(result.upper_bound, line.cost());
    EXPECT_GT(result.transport_cost,
              line.cost() + (epsilon > 1 ? 0.1 : 0) - 4 * result.transport_error);
  }
}

/// Rotations of batches are taken from 24 coordinates on: shares by fresh samples are as close.
TEST(Semidiscrete, ManyPointsInManyDimensions) {
  const int d = 96, n = 2000;
  const CounterRandom random(11, 0);
  Row points(static_cast<std::size_t>(n * d)), weights;
  for (std::size_t at = 0; at < points.size(); ++at) points[at] = random.uniform(at);
  for (int j = 0; j < n; ++j)
    weights.push_back(0.5 + random.uniform(points.size() + static_cast<std::size_t>(j)));
  double errors[2];
  for (const bool warm : {false, true}) {
    SemidiscreteSettings settings;
    settings.warm_start_coordinates = warm ? d : 0;
    settings.threshold = 0.25;
    const auto result = solve(d, weights, points, settings);
    EXPECT_EQ(result.status, 0);
    EXPECT_LE(result.marginal_lower, result.marginal_error + 0.05);
    EXPECT_GE(result.marginal_upper, result.marginal_error - 0.05);
    EXPECT_LE(result.lower_bound, result.upper_bound);
    errors[warm ? 1 : 0] = result.marginal_error;
  }
  EXPECT_NEAR(errors[0], errors[1], 0.1);
}

TEST(Semidiscrete, PointsOfNoWeightEqualPointsAndOnePoint) {
  SemidiscreteSettings settings;
  settings.threshold = 0.05;
  const Row weights = {0.25e6, 0, 0.5e6, 0.25e6}, points = {1, 9, -1, 1};
  const auto result = solve(1, weights, points, settings);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.potential[0], result.potential[3]);
  EXPECT_EQ(result.potential[1], -INFINITY);
  EXPECT_NEAR(result.potential[0], result.potential[2], 0.1);

  const SemidiscreteProblem problem(1, {weights, points}, settings, 1, 2);
  problem.run(1000, nullptr, 0);
  const auto drawn = problem.assign(0, 20000, true);
  double counts[4] = {0, 0, 0, 0};
  for (const auto point : drawn.point) counts[point] += 1.0 / 20000;
  EXPECT_NEAR(counts[0], 0.25, 0.02);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 0.5, 0.02);
  EXPECT_NEAR(counts[3], 0.25, 0.02);

  const auto alone = solve(2, {3.0}, {1, 2}, settings);
  EXPECT_EQ(alone.status, 0);
  EXPECT_EQ(alone.marginal_error, 0);
  EXPECT_EQ(alone.marginal_upper, 0);
  EXPECT_LE(alone.lower_bound, 7);
  EXPECT_GE(alone.upper_bound, 7);
  EXPECT_NEAR(alone.lower_bound, 7, 0.1);
  EXPECT_NEAR(alone.upper_bound, 7, 0.1);
}

/// A sample goes where the potentials say, its number alone decides what it is.
TEST(Semidiscrete, AssignmentsAreWhereTheMinimumIs) {
  const int d = 30, n = 400;
  const CounterRandom random(5, 0);
  Row points(static_cast<std::size_t>(n * d)), weights(static_cast<std::size_t>(n), 1.0);
  for (std::size_t at = 0; at < points.size(); ++at) points[at] = 2 + random.uniform(at);
  SemidiscreteSettings settings;
  settings.noise.scale = 0.4;
  const SemidiscreteProblem problem(d, {weights, points}, settings, 1, 2);
  problem.run(30, nullptr, 0);
  const auto potential = problem.result().potential;
  const auto drawn = problem.assign(100, 1000, true), again = problem.assign(600, 10, true);
  ASSERT_EQ(drawn.point.size(), 1000u);
  ASSERT_EQ(drawn.noise.size(), 1000u * d);
  double square = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto cost = [&](std::size_t j) {
      double sum = -potential[j];
      for (std::size_t c = 0; c < d; ++c)
        sum += std::pow(drawn.noise[i * d + c] - points[j * d + c], 2);
      return sum;
    };
    double least = INFINITY;
    for (std::size_t j = 0; j < n; ++j) least = std::min(least, cost(j));
    EXPECT_LE(cost(static_cast<std::size_t>(drawn.point[i])), least + 1e-4);
    for (std::size_t c = 0; c < d; ++c) square += std::pow(drawn.noise[i * d + c], 2);
  }
  EXPECT_NEAR(square / (1000 * d), 0.16, 0.005);
  EXPECT_TRUE(std::equal(again.point.begin(), again.point.end(), drawn.point.begin() + 500));
  EXPECT_TRUE(std::equal(again.noise.begin(), again.noise.end(), drawn.noise.begin() + 500 * d));
}

TEST(Semidiscrete, GoesOnWithTheSameNumbers) {
  const Line line = random_line(NoiseKind::gaussian, 1, 300, false);
  SemidiscreteSettings settings;
  settings.threshold = 1e-3;
  const SemidiscreteProblem whole(1, {line.weights, line.points}, settings, 4, 1),
      begun(1, {line.weights, line.points}, settings, 4, 1),
      resumed(1, {line.weights, line.points}, settings, 4, 1);
  whole.run(40, nullptr, 0);
  EXPECT_EQ(begun.progress().size(), whole.progress().size());
  begun.run(13, nullptr, 0);
  resumed.set_progress(begun.progress());
  EXPECT_EQ(resumed.iterations(), 13);
  resumed.run(27, nullptr, 0);
  EXPECT_EQ(resumed.progress(), whole.progress());
}

/// A weight so small that its inverse is no number; a threshold that no samples reach.
TEST(Semidiscrete, TinyWeightsAndThresholds) {
  SemidiscreteSettings settings;
  settings.threshold = 1e-12;
  const SemidiscreteProblem problem(1, {Row{1, 1, 1e-320}, Row{-1, 1, 3}}, settings, 0, 0);
  EXPECT_EQ(problem.assign(0, 4, false).point.size(), 4u);  // before any step
  problem.run(20, nullptr, 0);
  const auto result = problem.result();
  EXPECT_EQ(result.status, 1);
  EXPECT_LE(result.samples, 20000);
  EXPECT_EQ(result.potential[2], -INFINITY);
  EXPECT_LE(result.lower_bound, result.upper_bound);
  EXPECT_NEAR(result.dual_value, 2 - 2 * std::sqrt(2 / M_PI), 0.1);
}

TEST(Semidiscrete, RefusesWhatIsNoProblem) {
  const SemidiscreteSettings settings;
  const Row points = {0, 1}, none = {0, 0}, far = {0, 1e200}, lost = {0, NAN}, three = {1, 1, 1},
            two = {1, 1};
  EXPECT_THROW(SemidiscreteProblem(1, {none, points}, settings, 0, 0), std::invalid_argument);
  EXPECT_THROW(SemidiscreteProblem(1, {three, points}, settings, 0, 0), std::invalid_argument);
  EXPECT_THROW(SemidiscreteProblem(1, {two, far}, settings, 0, 0), std::invalid_argument);
  EXPECT_THROW(SemidiscreteProblem(1, {two, lost}, settings, 0, 0), std::invalid_argument);
  auto still = settings;
  still.noise.scale = 0;
  EXPECT_THROW(SemidiscreteProblem(1, {two, points}, still, 0, 0), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

// Barycenters with free support against closed forms and nested loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "kernels/problems/status.hpp"
#include "tests/kernels/free_support_problems.hpp"

namespace otfleet::kernels {
namespace {

using test::distance;
using test::equal_weights;
using test::exact_settings;
using test::FreeSupportProblems;
using test::random_points;
using test::random_problems;
using test::reference;
using test::Row;
using test::Rows;
using test::solve;

TEST(FreeSupport, RaggedProblemsStopWhereNestedLoopsWould) {
  for (const std::size_t dimension : {1u, 2u, 5u}) {
    const auto problems = random_problems(6, dimension, 9, {1, 3, 9, 2, 4}, 11);
    for (const double epsilon : {1.0, 0.3, 0.05}) {
      const auto found = solve(problems, exact_settings(epsilon));
      for (std::size_t k = 0; k < problems.index.size(); ++k) {
        EXPECT_EQ(found.progress.status[k], static_cast<int>(Status::converged));
        EXPECT_LE(found.progress.residual[k], 1e-8);
        EXPECT_LE(found.figures.marginal_error[k], 1e-10);
        FreeSupportProblems again = problems;
        again.points[k] = found.points[k];
        double value = 0, first_value = 0;
        const auto moved = reference(again, k, epsilon, 1, &value);
        EXPECT_LT(distance(moved, found.points[k]), 1e-6)
            << "problem " << k << ", " << dimension << " coordinates, epsilon " << epsilon;
        EXPECT_NEAR(found.figures.dual_value[k], value, 1e-8);
        reference(problems, k, epsilon, 2, &first_value);  // after one move
        EXPECT_LE(value, first_value + 1e-9);
      }
    }
  }
}

TEST(FreeSupport, OneMeasureIsRecovered) {
  std::mt19937 random(3);
  FreeSupportProblems problems;
  problems.measures = {{random_points(random, 20, 3), equal_weights(20)}};
  problems.index = {{0}};
  problems.weight = {{2}};
  problems.points = {random_points(random, 20, 3)};
  problems.support = {Row(20, 1.0)};
  const auto found = solve(problems, exact_settings(1e-3));
  EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
  std::set<std::size_t> reached;
  for (const Row& point : found.points[0])
    for (std::size_t i = 0; i < 20; ++i)
      if (distance({point}, {problems.measures[0].points[i]}) < 1e-6) reached.insert(i);
  EXPECT_EQ(reached.size(), 20u);
  EXPECT_NEAR(found.figures.transport_cost[0], 0, 1e-6);
}

TEST(FreeSupport, OfTranslatedCopiesItIsTheCopyBetween) {
  std::mt19937 random(5);
  const Rows cloud = random_points(random, 15, 2);
  Rows copy = cloud;
  for (Row& point : copy) {
    point[0] += 3;
    point[1] -= 1;
  }
  FreeSupportProblems problems;
  problems.measures = {{cloud, equal_weights(15)}, {copy, equal_weights(15)}};
  problems.index = {{0, 1}};
  problems.weight = {{0.3, 0.7}};
  problems.points = {random_points(random, 15, 2)};
  problems.support = {Row(15, 1.0)};
  const auto found = solve(problems, exact_settings(1e-3));
  std::set<std::size_t> reached;
  for (const Row& point : found.points[0])
    for (std::size_t i = 0; i < 15; ++i)
      if (distance({point}, {{cloud[i][0] + 0.7 * 3, cloud[i][1] - 0.7}}) < 1e-5) reached.insert(i);
  EXPECT_EQ(reached.size(), 15u);
  // 0.3 (0.7 t)² + 0.7 (0.3 t)² with |t|² = 10.
  EXPECT_NEAR(found.figures.transport_cost[0], 10 * 0.21, 1e-5);
  EXPECT_LE(found.figures.lower_bound[0], 10 * 0.21);
  EXPECT_GE(found.figures.upper_bound[0], 10 * 0.21);
}

TEST(FreeSupport, OnALineItAveragesQuantiles) {
  std::mt19937 random(7);
  FreeSupportProblems problems;
  std::vector<Row> sorted;
  for (int s = 0; s < 3; ++s) {
    Rows points = random_points(random, 25, 1);
    for (Row& point : points) point[0] = point[0] * (1 + s) + 4 * s;
    problems.measures.push_back({points, equal_weights(25)});
    sorted.push_back(test::flat(points));
    std::sort(sorted.back().begin(), sorted.back().end());
  }
  problems.index = {{0, 1, 2}};
  problems.weight = {{1, 2, 1}};
  problems.points = {random_points(random, 25, 1)};
  problems.support = {Row(25, 1.0)};
  auto settings = exact_settings(5e-4);
  settings.threshold = 1e-7;
  const auto found = solve(problems, settings);
  Row points = test::flat(found.points[0]);
  std::sort(points.begin(), points.end());
  for (std::size_t i = 0; i < 25; ++i)
    EXPECT_NEAR(points[i], 0.25 * sorted[0][i] + 0.5 * sorted[1][i] + 0.25 * sorted[2][i], 5e-3);
}

/// Mean and covariance of equally weighted points in the plane.
struct Moments {
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  explicit Moments(const Rows& points) {
    const auto count = static_cast<double>(points.size());
    for (const Row& p : points) {
      x += p[0] / count;
      y += p[1] / count;
    }
    for (const Row& p : points) {
      xx += (p[0] - x) * (p[0] - x) / count;
      xy += (p[0] - x) * (p[1] - y) / count;
      yy += (p[1] - y) * (p[1] - y) / count;
    }
  }
};

TEST(FreeSupport, OfGaussiansWithEqualCovariancesItHasThatCovariance) {
  // Samples of different sizes, made to have mean and covariance exactly.
  std::mt19937 random(9);
  const auto sample = [&](std::size_t count, double x, double y) {
    Rows points = random_points(random, count, 2);
    const Moments of(points);
    const double l11 = std::sqrt(of.xx), l21 = of.xy / l11, l22 = std::sqrt(of.yy - l21 * l21);
    for (Row& p : points) {
      const double u = (p[0] - of.x) / l11, v = ((p[1] - of.y) - l21 * u) / l22;
      p = {x + 2 * u, y + 0.5 * u + v};  // covariance [4, 1; 1, 1.25]
    }
    return points;
  };
  FreeSupportProblems problems;
  problems.measures = {{sample(150, 0, 0), equal_weights(150)},
                       {sample(170, 6, 2), equal_weights(170)},
                       {sample(190, -3, 4), equal_weights(190)}};
  problems.index = {{0, 1, 2}};
  problems.weight = {{0.5, 0.25, 0.25}};
  problems.points = {random_points(random, 120, 2)};
  problems.support = {Row(120, 1.0)};
  const auto moments = [&](double epsilon) {
    auto settings = exact_settings(epsilon);
    settings.threshold = 1e-5;
    settings.point_threshold = 1e-3;
    const auto found = solve(problems, settings);
    EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
    return Moments(found.points[0]);
  };
  const auto blurred = moments(1.0), sharp = moments(0.1);
  for (const auto& of : {blurred, sharp}) {
    EXPECT_NEAR(of.x, 0.25 * 6 - 0.25 * 3, 1e-3);
    EXPECT_NEAR(of.y, 0.25 * 2 + 0.25 * 4, 1e-3);
  }
  // Between Gaussians with covariance S the entropic one has S − epsilon/2 in every direction.
  EXPECT_NEAR(blurred.xx, 4 - 0.5, 0.15);
  EXPECT_NEAR(blurred.yy, 1.25 - 0.5, 0.1);
  EXPECT_NEAR(sharp.xx, 4, 0.15);
  EXPECT_NEAR(sharp.xy, 1, 0.1);
  EXPECT_NEAR(sharp.yy, 1.25, 0.1);
}

}  // namespace
}  // namespace otfleet::kernels

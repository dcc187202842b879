#include "src/populations/cost_statistic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/populations/ground_cost.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using Values = std::vector<double>;

/// From all costs, as a person would.
constexpr CostStatistic statistics[] = {CostStatistic::mean, CostStatistic::max,
                                        CostStatistic::median, CostStatistic::standard_deviation};

double by_hand(Values costs, CostStatistic statistic) {
  std::sort(costs.begin(), costs.end());
  const auto count = static_cast<double>(costs.size());
  double mean = 0, square = 0;
  for (const double c : costs) mean += c / count;
  for (const double c : costs) square += (c - mean) * (c - mean) / count;
  if (statistic == CostStatistic::mean) return mean;
  if (statistic == CostStatistic::max) return costs.back();
  if (statistic == CostStatistic::standard_deviation) return std::sqrt(square);
  return (costs[(costs.size() - 1) / 2] + costs[costs.size() / 2]) / 2;
}

TEST(CostStatistic, OfEveryGeometryIsThatOfItsMatrix) {
  for (const CostStatistic name : statistics) {
    SCOPED_TRACE(word_of(name));
    Geometry grid;
    grid.axes = {{0, 0.3, 0.5, 1.7}, {-2, 4, 4.5}, {7}};
    grid.n = grid.m = 12;
    EXPECT_NEAR(cost_statistic(grid, name), by_hand(testing::cost_matrix(grid), name), 1e-12);
    const Geometry dense = testing::dense_population(7, 5, 2, 2).geometry;
    EXPECT_NEAR(cost_statistic(dense, name), by_hand(dense.cost, name), 1e-14);
    Geometry points = dense;
    points.kind = Geometry::Kind::points;
    points.cost.clear();
    EXPECT_NEAR(cost_statistic(points, name), by_hand(dense.cost, name), 1e-14);
  }
}

/// PointCloud(x, y, epsilon=0.05, relative_epsilon=…) of OTT-JAX 0.6.0.
TEST(CostStatistic, IsTheUnitOfOtt) {
  Geometry points;
  points.kind = Geometry::Kind::points;
  points.n = 3;
  points.m = 2;
  points.dimension = 1;
  points.source_points = {0, 0.5, 1.2};
  points.target_points = {0.1, 0.9};
  EXPECT_NEAR(0.05 * cost_statistic(points, CostStatistic::mean), 0.02033333333333333, 1e-15);
  EXPECT_NEAR(0.05 * cost_statistic(points, CostStatistic::standard_deviation),
              0.022242351993937655, 1e-15);
}

TEST(CostStatistic, ForbiddenPairsDoNotCount) {
  Geometry dense;
  dense.kind = Geometry::Kind::dense;
  dense.n = dense.m = 2;
  dense.cost = {1, std::numeric_limits<double>::infinity(), 3, 8};
  EXPECT_NEAR(cost_statistic(dense, CostStatistic::mean), 4, 1e-15);
  EXPECT_EQ(cost_statistic(dense, CostStatistic::max), 8);
  EXPECT_EQ(cost_statistic(dense, CostStatistic::median), 3);
}

TEST(CostStatistic, OfManyPairsComesFromASampleThatIsAlwaysTheSame) {
  Geometry points = testing::line_population(2100, 1, 1, "euclidean").geometry;
  Values costs;
  for (const double x : points.source_points)
    for (const double y : points.target_points) costs.push_back(std::abs(x - y));
  Geometry grid;
  auto& axis = grid.axes.emplace_back();
  for (int i = 0; i < 2100; ++i) axis.push_back(i / 2099.0);
  grid.n = grid.m = 2100;
  for (const CostStatistic name : statistics) {
    const double found = cost_statistic(points, name);
    EXPECT_NEAR(found, by_hand(costs, name), 2e-3) << word_of(name);
    EXPECT_EQ(cost_statistic(points, name), found);
  }
  EXPECT_NEAR(cost_statistic(grid, CostStatistic::median), std::pow(1 - std::sqrt(0.5), 2), 1e-3);
  EXPECT_NEAR(cost_statistic(grid, CostStatistic::mean), 1.0 / 6, 1e-3);
  EXPECT_EQ(cost_statistic(grid, CostStatistic::max), 1);
  EXPECT_NEAR(cost_statistic(grid, CostStatistic::standard_deviation),
              std::sqrt(1.0 / 15 - 1.0 / 36), 1e-3);
}

TEST(CostStatistic, OfCloudsIsOverThePairsOfTheirProblems) {
  const testing::TemporaryFolder folder;
  for (const bool shared : {true, false}) {
    const auto population = testing::cloud_population(6, 12, 8, shared, "euclidean");
    write_cloud_population(folder / "clouds.h5", population);
    Values costs;
    const auto &sources = population.sources, &targets = population.target_table();
    for (std::size_t k = 0; k < 8; ++k)
      for (auto i = sources.offsets[population.source[k]];
           i < sources.offsets[population.source[k] + 1]; ++i)
        for (auto j = targets.offsets[population.target[k]];
             j < targets.offsets[population.target[k] + 1]; ++j)
          costs.push_back(ground_cost(kernels::EuclideanCost(), &sources.points[2 * i],
                                      &targets.points[2 * j], 2));
    for (const CostStatistic name : statistics)
      EXPECT_NEAR(cloud_cost_statistic(folder / "clouds.h5", name), by_hand(costs, name), 1e-14)
          << word_of(name);
  }
}

TEST(CostStatistic, OfLargeCloudsComesFromSomeOfTheirPoints) {
  const testing::TemporaryFolder folder;
  write_cloud_population(folder / "clouds.h5", testing::large_problem(2000, 3));
  // Of two uniform points of the unit cube: 3 · 1/6.
  const double found = cloud_cost_statistic(folder / "clouds.h5", CostStatistic::mean);
  EXPECT_NEAR(found, 0.5, 0.03);
  EXPECT_EQ(cloud_cost_statistic(folder / "clouds.h5", CostStatistic::mean), found);
}

}  // namespace
}  // namespace otfleet

#include "kernels/geometry/cell_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "kernels/geometry/box_cost.hpp"
#include "tests/kernels/cloud_batch.hpp"

// Cells of clouds, and the bounds of costs between their boxes.

namespace otfleet::kernels {
namespace {

using namespace test;

Row points_of(Random& random, int count, int d, const std::function<double(Random&, int)>& draw) {
  Row points;
  for (int i = 0; i < count; ++i)
    for (int k = 0; k < d; ++k) points.push_back(draw(random, k));
  return points;
}

/// Every point is in one leaf and inside its box, leaves have cell_points each but the last,
/// children follow their parents and share their points between them.
void expect_cells(const Row& points, int d) {
  const CellTree tree(points, d);
  const int count = static_cast<int>(points.size()) / d;
  ASSERT_EQ(tree.count(), count);
  std::vector<int> order = tree.order();
  std::sort(order.begin(), order.end());
  std::vector<int> all(order.size());
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(order, all);
  int leaves = 0, depth = 0;
  std::vector<int> depths(tree.nodes().size(), 0);
  for (std::size_t at = 0; at < tree.nodes().size(); ++at) {
    const auto& node = tree.nodes()[at];
    ASSERT_GT(node.count(), 0);
    for (int i = node.begin; i < node.end; ++i)
      for (int k = 0; k < d; ++k) {
        const double x = points[static_cast<std::size_t>(tree.order()[i]) * d + k];
        ASSERT_TRUE(node.low[k] <= x && x <= node.high[k]);
      }
    depth = std::max(depth, depths[at]);
    if (node.is_leaf()) {
      ++leaves;
      EXPECT_EQ(node.begin % cell_points, 0);
      EXPECT_EQ(node.count(), std::min(cell_points, count - node.begin));
      EXPECT_EQ(tree.leaves()[node.begin / cell_points], static_cast<int>(at));
      continue;
    }
    ASSERT_GT(node.children, static_cast<int>(at));
    const auto child = static_cast<std::size_t>(node.children);
    EXPECT_EQ(tree.nodes()[child].begin, node.begin);
    EXPECT_EQ(tree.nodes()[child].end, tree.nodes()[child + 1].begin);
    EXPECT_EQ(tree.nodes()[child + 1].end, node.end);
    depths[child] = depths[child + 1] = depths[at] + 1;
  }
  EXPECT_EQ(leaves, tree.cells());
  // By count, whatever the points are.
  EXPECT_LE(1 << depth, std::max(2 * leaves, 1));
}

TEST(CellTree, HoldsEveryPointOnceInCellsOfEqualCount) {
  Random random(3);
  const auto uniform = [](Random& r, int) { return r.uniform(); };
  for (const int count : {1, 2, 7, 8, 9, 95, 96, 97, 191, 193, 1000, 5000})
    for (const int d : {1, 2, 3}) expect_cells(points_of(random, count, d, uniform), d);
}

TEST(CellTree, TakesPointsThatNoGridSeparates) {
  Random random(4);
  expect_cells(points_of(random, 3000, 3, [](Random&, int) { return 0.25; }), 3);
  expect_cells(
      points_of(random, 3000, 3, [](Random& r, int k) { return k == 1 ? r.uniform() : 7.0; }), 3);
  expect_cells(
      points_of(random, 3000, 2,
                [](Random& r, int) { return r.uniform() + (r.uniform() < 0.5 ? 1e6 : 0.0); }),
      2);
  Row outlier = points_of(random, 3000, 3, [](Random& r, int) { return r.uniform(); });
  outlier[300] = 1e6;
  expect_cells(outlier, 3);
  expect_cells(
      points_of(random, 3000, 3,
                [](Random& r, int) { return r.uniform() * (r.uniform() < 0.9 ? 0.2 : 1.0); }),
      3);
}

TEST(CellTree, CellsAndRunsAreCompact) {
  Random random(5);
  const int count = 96 * 64;
  const Row points = points_of(random, count, 3, [](Random& r, int) { return r.uniform(); });
  const CellTree tree(points, 3);
  const auto mean_extent = [&](int run) {
    double sum = 0;
    for (int begin = 0; begin < count; begin += run)
      for (int k = 0; k < 3; ++k) {
        double low = 1, high = 0;
        for (int i = begin; i < begin + run; ++i) {
          const double x = points[static_cast<std::size_t>(tree.order()[i]) * 3 + k];
          low = std::min(low, x);
          high = std::max(high, x);
        }
        sum += (high - low) * run / (3.0 * count);
      }
    return sum;
  };
  // 64 cells are 4 to a side; 8 points in a row have 768 boxes, nine to a side.
  EXPECT_LT(mean_extent(cell_points), 0.27);
  EXPECT_LT(mean_extent(CellTree::run_points), 0.12);
}

TEST(CellTree, RefusesOtherDimensions) {
  const Row points(8, 0.5);
  EXPECT_THROW(CellTree(points, 4), std::invalid_argument);
  EXPECT_THROW(CellTree(points, 0), std::invalid_argument);
  EXPECT_EQ(CellTree({}, 2).cells(), 0);
}

TEST(BoxCost, BoundsEveryPairOfPoints) {
  Random random(6);
  for (const auto& cost : tested_costs)
    for (const int d : {2, 3}) {
      ASSERT_TRUE(has_box_bounds(cost));
      auto clouds = random_clouds(random, cost, 700, 500, d);
      // Unit vectors, as kernels use them.
      if (takes_directions(cost))
        for (Rows* points : {&clouds.x, &clouds.y})
          for (Row& x : *points) {
            double norm = 0;
            for (const double c : x) norm += c * c;
            for (double& c : x) c /= std::sqrt(norm);
          }
      Row x, y;
      for (const Row& point : clouds.x) x.insert(x.end(), point.begin(), point.end());
      for (const Row& point : clouds.y) y.insert(y.end(), point.begin(), point.end());
      const CellTree rows(x, d), columns(y, d);
      with_ground_cost(cost, [&](const auto& typed) {
        const double slack = 1e-12 + typed.rounding(d, 8, typed.bound(8, d));
        for (const auto& one : rows.nodes())
          for (const auto& other : columns.nodes()) {
            const double least = least_cost(typed, one, other, d),
                         most = most_cost(typed, one, other, d);
            for (int s = 0; s < 20; ++s) {
              const int i = rows.order()[random.integer(one.begin, one.end - 1)],
                        j = columns.order()[random.integer(other.begin, other.end - 1)];
              const double exact = ground_cost(clouds, clouds.x[i], clouds.y[j]);
              ASSERT_LE(least, exact + slack) << name(cost);
              ASSERT_GE(most, exact - slack) << name(cost);
            }
          }
      });
    }
}

}  // namespace
}  // namespace otfleet::kernels

#include "kernels/geometry/separable_cost.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using test::Row;
using test::Rows;

TEST(SeparableCost, squared_euclidean_grid) {
  const auto cost = SeparableCost::squared_euclidean_grid({{0, 1, 3}, {-1, 2}});
  EXPECT_EQ(cost.n(), 6);
  EXPECT_EQ(cost.m(), 6);
  EXPECT_EQ(cost.minimum(), 0);
  EXPECT_EQ(cost.range(), 9 + 9);
  EXPECT_EQ(cost.axes()[0].values, Row({0, 1, 9, 1, 0, 4, 9, 4, 0}));
  EXPECT_EQ(cost.axes()[1].values, Row({0, 9, 9, 0}));
  // Not halved; last axis fastest: from (0, -1) to (3, 2).
  EXPECT_EQ(test::cost_matrix(cost)[5], 18);
}

TEST(SeparableCost, dense_matrix_with_an_offset) {
  const auto cost = SeparableCost::dense(2, 3, {-5, 1, 2, 3, 4, 7});
  EXPECT_EQ(cost.n(), 2);
  EXPECT_EQ(cost.m(), 3);
  EXPECT_EQ(cost.minimum(), -5);
  EXPECT_EQ(cost.range(), 12);
}

TEST(SeparableCost, minimum_and_range_add_over_axes) {
  const SeparableCost cost({{1, 2, {1, 4}}, {2, 2, {-1, -2, 5, 0}}, {3, 1, {10, 20, 11}}});
  const Row all = test::cost_matrix(cost);
  const auto [low, high] = std::minmax_element(all.begin(), all.end());
  EXPECT_EQ(cost.n(), 6);
  EXPECT_EQ(cost.m(), 4);
  EXPECT_EQ(cost.minimum(), *low);
  EXPECT_EQ(cost.range(), *high - *low);
}

TEST(SeparableCost, max_points_covers_intermediate_results) {
  // To the target: 2·2 -> 2·5 -> 1·5; to the source: 1·5 -> 1·2 -> 2·2.
  EXPECT_EQ(SeparableCost({{2, 1, {0, 0}}, {2, 5, Row(10, 0.0)}}).max_points(), 10);
  EXPECT_EQ(SeparableCost({{1, 2, {0, 0}}, {5, 2, Row(10, 0.0)}}).max_points(), 10);
  EXPECT_EQ(SeparableCost::dense(3, 7, Row(21, 0.0)).max_points(), 7);
}

TEST(SeparableCost, rejects_what_is_not_a_cost) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(SeparableCost({}), std::invalid_argument);
  EXPECT_THROW(SeparableCost(std::vector<AxisCost>(4, AxisCost{1, 1, {0}})), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(0, 1, {}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(1, 0, {}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(-1, -1, {0}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(2, 2, {1, 2, 3}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(1, 2, {1, nan}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::dense(1, 2, {-test::infinity, 1}), std::invalid_argument);
  EXPECT_THROW(SeparableCost::squared_euclidean_grid({{0, 1}, {}}), std::invalid_argument);
}

/// The kernel with a separable cost and with its dense matrix must be one operator, in both
/// directions: after one iteration f and g depend on either.
TEST(SeparableCost, axes_and_dense_matrix_are_one_operator) {
  test::Random random(1);
  for (int repetition = 0; repetition < 20; ++repetition)
    for (test::Geometry geometry : test::all_geometries)
      for (Path path : {Path::scaling, Path::extended}) {
        SCOPED_TRACE(test::name(geometry));
        const auto batch = test::random_batch(random, test::random_cost(random, geometry), 3);
        SinkhornSettings settings;
        settings.epsilon = 0.05;
        settings.threshold = 1e-300;
        settings.max_iterations = 1;
        settings.path = path;
        const auto axes = test::solve<double>(batch, settings);
        const auto dense = test::solve<double>(test::as_dense(batch), settings);
        for (int k = 0; k < batch.size(); ++k)
          EXPECT_LT(test::distance_up_to_constant(axes.f[k], dense.f[k]), 1e-13);
        const auto of_axes = test::judge(batch, 0.05, axes.f);
        const auto of_dense = test::judge(test::as_dense(batch), 0.05, axes.f);
        for (int k = 0; k < batch.size(); ++k)
          for (int j = 0; j < batch.cost.m(); ++j)
            EXPECT_NEAR(of_axes.g[k][j], of_dense.g[k][j], 1e-13);
      }
}

}  // namespace
}  // namespace otfleet::kernels

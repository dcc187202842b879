#include "kernels/solvers/sinkhorn/sinkhorn_by_points.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/lanes/row_products.hpp"
#include "kernels/operators/form_choice.hpp"
#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// Random points on every axis; rows long enough to fill lanes.
SeparableCost grid_cost(Random& random, const std::vector<int>& lengths) {
  Rows axes;
  for (const int length : lengths) axes.push_back(random.uniform_row(length, 0, 1));
  return SeparableCost::squared_euclidean_grid(axes);
}

/// A box of weights somewhere in the grid, with holes.
Row boxed_weights(Random& random, const std::vector<int>& lengths) {
  std::vector<int> begin, end;
  int points = 1;
  for (const int length : lengths) {
    begin.push_back(random.integer(0, length - 1));
    end.push_back(random.integer(begin.back() + 1, length));
    points *= length;
  }
  Row weights(points, 0.0);
  double sum = 0;
  for (int i = 0; i < points; ++i) {
    bool inside = true;
    for (int axis = static_cast<int>(lengths.size()) - 1, rest = i; axis >= 0;
         rest /= lengths[axis--])
      inside = inside && rest % lengths[axis] >= begin[axis] && rest % lengths[axis] < end[axis];
    if (inside && (sum == 0 || random.uniform() < 0.7)) sum += weights[i] = random.uniform(0.1, 1);
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

const std::vector<std::vector<int>> grids = {{1, 32}, {5, 33}, {28, 40}, {2, 3, 37}, {7, 1, 32}};

/// Tiles of extended numbers are another implementation of the same iteration.
template <class Scalar>
void expect_as_in_tiles(const HostBatch& batch, SinkhornSettings settings, const Rows* start,
                        double tolerance) {
  const auto found = solve<Scalar>(batch, settings, start, 5);
  settings.path = Path::extended;
  const auto expected = solve<Scalar>(batch, settings, start, 5);
  EXPECT_EQ(found.iterations, expected.iterations);
  EXPECT_EQ(found.status, expected.status);
  for (int k = 0; k < batch.size(); ++k) {
    EXPECT_LE(distance_up_to_constant(found.f[k], expected.f[k]), tolerance) << k;
    for (int t = 0; t < 5; ++t)
      if (std::isnan(expected.errors[k][t]))
        EXPECT_TRUE(std::isnan(found.errors[k][t])) << k << " " << t;
      else
        EXPECT_NEAR(found.errors[k][t], expected.errors[k][t], tolerance) << k << " " << t;
  }
}

TEST(SinkhornByPoints, is_the_iteration_of_tiles) {
  Random random(81);
  for (const auto& lengths : grids) {
    const auto cost = grid_cost(random, lengths);
    const bool fills = fills_lanes<Space, double>(cost) && fills_lanes<Space, float>(cost);
    ASSERT_TRUE(fills);
    HostBatch batch{cost};
    for (int k = 0; k < 19; ++k)
      batch.add(boxed_weights(random, lengths), boxed_weights(random, lengths));
    Rows start;
    for (int k = 0; k < batch.size(); ++k) start.push_back(random.uniform_row(cost.n(), -1, 1));
    for (const auto acceleration : {Acceleration::none, Acceleration::momentum})
      for (const Rows* given :
           {static_cast<const Rows*>(nullptr), static_cast<const Rows*>(&start)})
        for (const int inner : {1, 3}) {
          auto settings = settings_for(0.3, 1e-8, 200);
          settings.acceleration = acceleration;
          settings.inner_iterations = inner;
          SCOPED_TRACE(std::to_string(lengths.size()) + " axes, " + std::to_string(cost.n()) +
                       " points");
          // Momentum takes seven digits of a logarithm, from other numbers in tiles.
          const bool plain = acceleration == Acceleration::none;
          expect_as_in_tiles<double>(batch, settings, given, plain ? 1e-9 : 1e-6);
          settings.threshold = 1e-3;
          settings.epsilon = 0.5;
          expect_as_in_tiles<float>(batch, settings, given, 1e-4);
        }
  }
}

TEST(SinkhornByPoints, a_start_that_is_worse_than_zeros_is_given_up) {
  Random random(82);
  HostBatch batch{grid_cost(random, {6, 32})};
  for (int k = 0; k < 5; ++k)
    batch.add(boxed_weights(random, {6, 32}), boxed_weights(random, {6, 32}));
  Rows bad;
  for (int k = 0; k < batch.size(); ++k) bad.push_back(random.uniform_row(batch.cost.n(), -9, 9));
  bad[2] = Row(batch.cost.n(), NAN);
  auto settings = settings_for(0.2, 1e-6, 300);
  settings.doubtful_error = 0.1;
  const auto found = solve<double>(batch, settings, &bad), zeros = solve<double>(batch, settings);
  settings.path = Path::extended;
  EXPECT_EQ(found.iterations, solve<double>(batch, settings, &bad).iterations);
  EXPECT_EQ(found.iterations[2], zeros.iterations[2]);
  EXPECT_EQ(found.f[2], zeros.f[2]);
}

TEST(SinkhornByPoints, a_problem_does_not_depend_on_its_batch) {
  Random random(83);
  HostBatch batch{grid_cost(random, {9, 35})};
  for (int k = 0; k < 23; ++k)
    batch.add(boxed_weights(random, {9, 35}), boxed_weights(random, {9, 35}));
  const auto settings = settings_for(0.2, 1e-6, 300);
  const auto together = solve<double>(batch, settings);
  for (const int k : {0, 7, 22}) {
    const auto alone = solve<double>(batch.subset({k}), settings);
    EXPECT_EQ(alone.f[0], together.f[k]);
    EXPECT_EQ(alone.iterations[0], together.iterations[k]);
  }
}

#ifndef __CUDACC__
/// Every count of rows and packs around those of a block, and both orders of A.
TEST(RowProducts, equal_sums_over_terms) {
  using L = PointLanes<Space, double>;
  Random random(84);
  for (int rows = 1; rows <= 15; ++rows)
    for (const int packs : {1, 2, 3, 11, 12, 13, 25})
      for (const int terms : {1, 2, 7}) {
        const int columns = packs * L::pack_width, x_row = columns + 3, y_row = columns + 5;
        const Row a = random.uniform_row(rows * terms, -1, 1);
        const Row x = random.uniform_row(terms * x_row, -1, 1);
        for (const bool transposed : {false, true}) {
          Row y(rows * y_row, 7.0);
          multiply_rows<L>(a.data(), transposed ? 1 : terms, transposed ? rows : 1, rows, terms,
                           packs, x.data(), x_row, y.data(), y_row);
          for (int r = 0; r < rows; ++r)
            for (int c = 0; c < y_row; ++c) {
              double sum = c < columns ? 0 : 7;
              for (int s = 0; s < terms && c < columns; ++s)
                sum += (transposed ? a[s * rows + r] : a[r * terms + s]) * x[s * x_row + c];
              EXPECT_NEAR(y[r * y_row + c], sum, 1e-13);
            }
        }
      }
}
#endif

}  // namespace
}  // namespace otfleet::kernels

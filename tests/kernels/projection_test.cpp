#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "kernels/outputs/barycentric_projection.hpp"
#include "tests/kernels/cloud_batch.hpp"
#include "tests/kernels/traps.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// 1e-3 needs the extended path.
constexpr double epsilons[] = {1e-3, 0.05, 10};
const double nan = std::numeric_limits<double>::quiet_NaN();

template <class Cost>
Rows project(const Cost& cost, const ProblemBatch<Space>& problems, double epsilon,
             Projection direction, const Rows& potential, const Rows& points) {
  const bool forward = direction == Projection::to_target;
  const int given = forward ? cost.m() : cost.n(), wanted = forward ? cost.n() : cost.m();
  const int d = static_cast<int>(points.front().size());
  const Matrix<double, Space> result("otfleet::test::projection", potential.size(), wanted * d);
  barycentric_projection<Space>(Space(), cost, problems, epsilon, direction,
                                on_device(potential, given), on_device(points, d), result);
  return on_host(result);
}

Row joined(const Rows& rows) {
  Row all;
  for (const Row& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}

Rows random_points(Random& random, int count, int dimension, double offset = 0) {
  Rows points;
  for (int i = 0; i < count; ++i)
    points.push_back(random.uniform_row(dimension, offset - 1, offset + 2));
  return points;
}

void expect_near(const Row& found, const Row& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(expected[i]))
      EXPECT_TRUE(std::isnan(found[i])) << i;
    else
      EXPECT_NEAR(found[i], expected[i], tolerance) << i;
  }
}

/// Both directions of every problem against the reference; `matrix` has the same problems with a
/// matrix of costs.
template <class Cost>
void expect_matches_reference(Random& random, const Cost& cost, const ProblemBatch<Space>& problems,
                              const HostBatch& matrix, double epsilon, const Rows& f, const Rows& g,
                              int dimension, double offset = 0) {
  const Rows y = random_points(random, cost.m(), dimension, offset);
  const Rows x = random_points(random, cost.n(), dimension, offset);
  const Rows forward = project(cost, problems, epsilon, Projection::to_target, g, y);
  const Rows back = project(cost, problems, epsilon, Projection::to_source, f, x);
  // Exponents have the rounding of potentials and costs over epsilon.
  const double size = 1 + std::abs(matrix.cost.minimum()) + matrix.cost.range();
  const double close = 1e-12 + 1e-15 * (size / epsilon + std::abs(offset));
  for (int k = 0; k < matrix.size(); ++k) {
    SCOPED_TRACE("instance " + std::to_string(k));
    const DenseProblem problem = dense_problem(matrix, k, epsilon);
    expect_near(forward[k], barycentric_projection(problem, g[k], joined(y)), close);
    expect_near(back[k], barycentric_projection(transposed(problem), f[k], joined(x)), close);
  }
}

TEST(Projection, matches_the_reference_on_every_geometry) {
  Random random(81);
  for (Geometry geometry : all_geometries)
    for (double epsilon : epsilons)
      for (int dimension : {1, 3}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 11, 0.3);
        SinkhornSettings settings;
        settings.epsilon = epsilon;
        settings.max_iterations = 30;
        const Rows f = solve<double>(batch, settings).f;
        expect_matches_reference(random, batch.cost, on_device(batch), batch, epsilon, f,
                                 judge(batch, epsilon, f).g, dimension);
      }
}

TEST(Projection, matches_the_reference_between_clouds) {
  Random random(82);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : epsilons)
      for (double zero_share : {0.0, 0.4}) {
        SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
        auto clouds = random_clouds(random, kind, 23, 17, 3);
        add_random_problems(random, clouds, 3, zero_share);
        clouds.y[3] = clouds.y[5];
        SinkhornSettings settings;
        settings.epsilon = epsilon;
        settings.max_iterations = 30;
        const Rows f = solve<double>(clouds, settings).f;
        expect_matches_reference(random, on_device(clouds), problems_on_device(clouds),
                                 as_matrix(clouds), epsilon, f, judge(clouds, epsilon, f).g, 5);
      }
}

TEST(Projection, far_from_the_origin_and_tiny_weights) {
  Random random(83);
  HostBatch batch{random_cost(random, Geometry::plane)};
  for (int k = 0; k < 5; ++k) {
    Row a = random.weights(batch.cost.n(), 0.2), b = random.weights(batch.cost.m(), 0.2);
    a[0] = 1e-300;
    b[1] = 1e-300;
    batch.add(a, b);
  }
  for (double epsilon : epsilons) {
    SinkhornSettings settings;
    settings.epsilon = epsilon;
    const Rows f = solve<double>(batch, settings).f;
    for (double offset : {0.0, 1e6})
      expect_matches_reference(random, batch.cost, on_device(batch), batch, epsilon, f,
                               judge(batch, epsilon, f).g, 2, offset);
  }
}

/// The mean of the target's points over the plan is their mean over b.
TEST(Projection, keeps_the_mean_of_a_solved_problem) {
  Random random(84);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 9, 0.3);
  const Rows y = random_points(random, batch.cost.m(), 2);
  SinkhornSettings settings;
  settings.epsilon = 0.02;
  settings.threshold = 1e-11;
  settings.max_iterations = 100000;
  const Rows f = solve<double>(batch, settings).f;
  const Rows moved = project(batch.cost, on_device(batch), 0.02, Projection::to_target,
                             judge(batch, 0.02, f).g, y);
  for (int k = 0; k < batch.size(); ++k)
    for (int c = 0; c < 2; ++c) {
      double mean = 0, expected = 0;
      for (int i = 0; i < batch.cost.n(); ++i)
        if (batch.sources[k][i] > 0) mean += batch.sources[k][i] * moved[k][2 * i + c];
      for (int j = 0; j < batch.cost.m(); ++j) expected += batch.targets[k][j] * y[j][c];
      EXPECT_NEAR(mean, expected, 1e-9);
    }
}

/// The potential of a translation by t is 2 t y: at small epsilon every point moves by t.
TEST(Projection, a_translation_moves_every_point_by_as_much) {
  constexpr int count = 30, step = 10;
  Row axis;
  for (int i = 0; i < count; ++i) axis.push_back(i / 29.0);
  HostBatch batch{SeparableCost::squared_euclidean_grid({axis})};
  Row a(count, 0.0), b(count, 0.0), g(count, -infinity);
  for (int i = 5; i < 12; ++i) {
    a[i] = b[i + step] = 1;
    g[i + step] = 2 * (step / 29.0) * axis[i + step];
  }
  batch.add(a, b);
  Rows points;
  for (double x : axis) points.push_back({x});
  const Rows moved =
      project(batch.cost, on_device(batch), 1e-4, Projection::to_target, {g}, points);
  for (int i = 0; i < count; ++i) {
    if (a[i] > 0)
      EXPECT_NEAR(moved[0][i], axis[i + step], 1e-6);
    else
      EXPECT_TRUE(std::isnan(moved[0][i]));
  }
}

TEST(Projection, single_points_and_equal_coordinates) {
  HostBatch batch{SeparableCost::dense(1, 1, {3})};
  batch.add({2}, {2});
  EXPECT_EQ(project(batch.cost, on_device(batch), 0.1, Projection::to_target, {{1}}, {{7, -4}}),
            (Rows{{7, -4}}));
  HostBatch many{SeparableCost::dense(2, 3, {1, 2, 3, 4, 5, 6})};
  many.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  EXPECT_EQ(
      project(many.cost, on_device(many), 0.1, Projection::to_target, {{0, 0, 0}}, {{7}, {7}, {7}}),
      (Rows{{7, 7}}));
}

TEST(Projection, does_not_depend_on_neighbors) {
  Random random(85);
  for (double epsilon : {1e-3, 0.05})
    for (int size : {1, 8, 9, 21}) {
      const auto batch = random_batch(random, random_cost(random, Geometry::plane), size, 0.4);
      const Rows points = random_points(random, batch.cost.n(), 2);
      Rows f;
      for (int k = 0; k < size; ++k) f.push_back(random.uniform_row(batch.cost.n(), -0.3, 0.3));
      const Rows together =
          project(batch.cost, on_device(batch), epsilon, Projection::to_source, f, points);
      for (int k = 0; k < size; ++k) {
        const Rows alone = project(batch.cost, on_device(batch.subset({k})), epsilon,
                                   Projection::to_source, {f[k]}, points);
        for (std::size_t i = 0; i < alone[0].size(); ++i)
          EXPECT_TRUE(alone[0][i] == together[k][i] ||
                      (std::isnan(alone[0][i]) && std::isnan(together[k][i])));
      }
    }
}

TEST(Projection, potentials_that_are_no_numbers_give_none) {
  const WithoutTraps quiet;
  Random random(86);
  for (double epsilon : {1e-3, 0.5}) {
    const auto batch = random_batch(random, random_cost(random, Geometry::plane), 3);
    const Rows points = random_points(random, batch.cost.m(), 2);
    const Rows g(3, Row(batch.cost.m(), nan));
    for (const Row& row :
         project(batch.cost, on_device(batch), epsilon, Projection::to_target, g, points))
      for (double t : row) EXPECT_TRUE(std::isnan(t));
    auto clouds = random_clouds(random, EuclideanCost(), 6, 7, 2);
    add_random_problems(random, clouds, 1);
    const Rows between = project(on_device(clouds), problems_on_device(clouds), epsilon,
                                 Projection::to_target, {Row(7, nan)}, clouds.y);
    for (double t : between[0]) EXPECT_TRUE(std::isnan(t));
  }
}

TEST(Projection, sizes_and_arguments) {
  HostBatch batch{SeparableCost::dense(2, 3, {1, 2, 3, 4, 5, 6})};
  Random random(87);
  auto clouds = random_clouds(random, EuclideanCost(), 2, 3, 2);
  const Rows three = {{1, 2}, {3, 4}, {5, 6}};
  const auto call = [&](const auto& cost, const ProblemBatch<Space>& problems, const Rows& g,
                        const Rows& points, double epsilon = 1) {
    return project(cost, problems, epsilon, Projection::to_target, g, points);
  };
  EXPECT_TRUE(call(batch.cost, on_device(batch), {}, three).empty());
  EXPECT_TRUE(call(on_device(clouds), problems_on_device(clouds), {}, three).empty());
  batch.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  clouds.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  const Rows g = {{0, 0, 0}};
  const auto both = [&](const Rows& potential, const Rows& points, double epsilon = 1) {
    EXPECT_THROW(call(batch.cost, on_device(batch), potential, points, epsilon),
                 std::invalid_argument);
    EXPECT_THROW(call(on_device(clouds), problems_on_device(clouds), potential, points, epsilon),
                 std::invalid_argument);
  };
  EXPECT_NO_THROW(call(batch.cost, on_device(batch), g, three));
  EXPECT_NO_THROW(call(on_device(clouds), problems_on_device(clouds), g, three));
  both(g, three, 0);
  both({{0, 0, 0}, {0, 0, 0}}, three);
  both(g, {{1, 2}, {3, 4}});
  both(g, {{}, {}, {}});
  both(g, {{1, 2}, {3, nan}, {5, 6}});
  both(g, {{1, 2}, {3, infinity}, {5, 6}});
  both(g, {{1, 1e308}, {3, -1e308}, {5, 6}});
  batch.target_index[0] = 1;
  EXPECT_THROW(call(batch.cost, on_device(batch), g, three), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

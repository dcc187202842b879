#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/kernels/cloud_batch.hpp"
#include "tests/kernels/traps.hpp"

// Clouds of points against the dense path and the plain reference, which see the matrix of costs.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Runs `count` iterations, fewer only when an error is exactly zero.
SinkhornSettings exactly(int count, double epsilon) {
  return settings_for(epsilon, 1e-300, count);
}

/// What rounding may do to f, in units of the cost.
template <class Scalar>
double tolerance(const HostBatch& matrix, double epsilon) {
  // Near 1 the derivative of arccos is 70; elsewhere a few roundings of the largest cost.
  const double relative = sizeof(Scalar) == 4 ? 4e-6 : 1e-12;
  return relative * (std::abs(matrix.cost.minimum()) + matrix.cost.range() + epsilon);
}

template <class Scalar>
void expect_matches_matrix(const HostClouds& clouds, double epsilon, int count,
                           const Rows* start = nullptr) {
  const HostBatch matrix = as_matrix(clouds);
  const auto found = solve<Scalar>(clouds, exactly(count, epsilon), start, count + 1);
  const auto expected = solve<double>(matrix, exactly(count, epsilon), start, count + 1);
  for (int k = 0; k < clouds.size(); ++k) {
    SCOPED_TRACE("instance " + std::to_string(k));
    EXPECT_LT(distance_up_to_constant(found.f[k], expected.f[k]),
              tolerance<Scalar>(matrix, epsilon));
    const int last = std::min(found.iterations[k], expected.iterations[k]);
    const double relative = tolerance<Scalar>(matrix, epsilon) / epsilon;
    for (int t = 0; t <= last; ++t)
      EXPECT_NEAR(found.errors[k][t], expected.errors[k][t], 10 * relative) << t;
  }
}

TEST(CloudSinkhorn, equals_the_dense_path_for_every_ground_cost) {
  Random random(51);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {1e-4, 1e-2, 0.3, 10.0})
      for (const auto& [n, m, d] : {std::tuple{9, 14, 3}, {40, 23, 2}, {17, 70, 5}, {60, 150, 64}})
        for (double zero_share : {0.0, 0.4}) {
          SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon) + " " + std::to_string(n));
          auto clouds = random_clouds(random, kind, n, m, d);
          add_random_problems(random, clouds, 3, zero_share);
          for (int count : {0, 1, 12}) {
            expect_matches_matrix<double>(clouds, epsilon, count);
            expect_matches_matrix<float>(clouds, epsilon, count);
          }
        }
}

TEST(CloudSinkhorn, follows_the_plain_reference) {
  Random random(52);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {0.01, 0.2}) {
      SCOPED_TRACE(name(kind));
      auto clouds = random_clouds(random, kind, 21, 18, 3);
      add_random_problems(random, clouds, 1);
      const auto problem = dense_problem(as_matrix(clouds), 0, epsilon);
      const auto found = solve<double>(clouds, exactly(30, epsilon), nullptr, 31);
      const auto expected = solve_reference(problem, Row(21, 0.0), 1e-300, 1, 30);
      EXPECT_LT(distance_up_to_constant(found.f[0], expected.f), 1e-11);
      for (int t = 0; t <= 30; ++t) EXPECT_NEAR(found.errors[0][t], expected.errors[t], 1e-11) << t;
    }
}

TEST(CloudSinkhorn, stops_where_the_dense_path_stops) {
  Random random(53);
  for (const GroundCost& kind : tested_costs)
    for (int inner : {1, 5}) {
      SCOPED_TRACE(name(kind));
      auto clouds = random_clouds(random, kind, 33, 29, 3);
      add_random_problems(random, clouds, 4, 0.3);
      auto settings = settings_for(0.05, 1e-6, 5000);
      settings.inner_iterations = inner;
      const HostBatch matrix = as_matrix(clouds);
      const auto found = solve<double>(clouds, settings);
      const auto expected = solve<double>(matrix, settings);
      const auto in_float = solve<float>(clouds, settings_for(0.05, 1e-4, 5000));
      for (int k = 0; k < 4; ++k) {
        EXPECT_EQ(found.status[k], Status::converged);
        EXPECT_NEAR(found.iterations[k], expected.iterations[k], inner);
        EXPECT_EQ(found.iterations[k] % inner, 0);
        EXPECT_LT(marginal_error(dense_problem(matrix, k, 0.05), found.f[k]), 1.001e-6);
        EXPECT_EQ(in_float.status[k], Status::converged);
        EXPECT_LT(marginal_error(dense_problem(matrix, k, 0.05), in_float.f[k]), 1.2e-4);
      }
    }
}

TEST(CloudSinkhorn, starts_of_any_size) {
  Random random(54);
  for (const GroundCost& kind : tested_costs)
    for (double size : {0.1, 10.0, 1e4}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(size));
      auto clouds = random_clouds(random, kind, 20, 31, 3);
      add_random_problems(random, clouds, 3, 0.2);
      Rows start;
      for (int k = 0; k < 3; ++k) start.push_back(random.uniform_row(20, -size, size));
      start[1][4] = -infinity;
      const auto found = solve<double>(clouds, settings_for(0.05, 1e-9, 5000), &start);
      for (int k = 0; k < 3; ++k) {
        EXPECT_EQ(found.status[k], Status::converged);
        EXPECT_LT(marginal_error(dense_problem(as_matrix(clouds), k, 0.05), found.f[k]), 1.1e-9);
      }
    }
}

TEST(CloudSinkhorn, momentum_ends_where_the_plain_iteration_ends_and_sooner) {
  Random random(58);
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    auto clouds = random_clouds(random, kind, 30, 45, 3);
    add_random_problems(random, clouds, 4, 0.3);
    const HostBatch matrix = as_matrix(clouds);
    const double epsilon = 0.01 * matrix.cost.range();
    auto settings = settings_for(epsilon, 1e-8, 20000);
    const auto plain = solve<double>(clouds, settings);
    settings.acceleration = Acceleration::momentum;
    const auto fast = solve<double>(clouds, settings);
    const auto one = judge(matrix, epsilon, fast.f), other = judge(matrix, epsilon, plain.f);
    int fast_sum = 0, plain_sum = 0;
    for (int k = 0; k < clouds.size(); ++k) {
      EXPECT_EQ(fast.status[k], Status::converged);
      EXPECT_LT(one.marginal_error[k], 1.001e-8);
      EXPECT_NEAR(one.dual_value[k], other.dual_value[k], 1e-9 * matrix.cost.range());
      fast_sum += fast.iterations[k];
      plain_sum += plain.iterations[k];
    }
    EXPECT_LT(fast_sum, plain_sum / 2);
  }
}

TEST(CloudSinkhorn, doubtful_starts_are_compared_with_zeros) {
  Random random(59);
  auto clouds = random_clouds(random, EuclideanCost(), 20, 25, 2);
  add_random_problems(random, clouds, 6, 0.3);
  auto settings = settings_for(0.05, 1e-9, 20000);
  const auto solved = solve<double>(clouds, settings);
  Rows start = solved.f;
  for (int k : {1, 4})
    for (double& value : start[k]) value = k == 1 ? random.uniform(-9, 9) : std::nan("");
  settings.doubtful_error = 0.25;
  const auto found = solve<double>(clouds, settings, &start);
  for (int k = 0; k < clouds.size(); ++k)
    EXPECT_EQ(found.iterations[k], k == 1 || k == 4 ? solved.iterations[k] : 0) << k;
}

TEST(CloudSinkhorn, one_point_on_a_side) {
  Random random(55);
  for (const GroundCost& kind : tested_costs)
    for (const auto& [n, m] : {std::pair{1, 5}, {5, 1}, {1, 1}}) {
      auto clouds = random_clouds(random, kind, n, m, 3);
      add_random_problems(random, clouds, 2);
      const auto solution = solve<double>(clouds, settings_for(0.1, 1e-10, 10));
      const auto in_float = solve<float>(clouds, settings_for(0.1, 1e-5, 10));
      for (int k = 0; k < 2; ++k) {
        EXPECT_EQ(solution.status[k], Status::converged);
        EXPECT_LE(solution.iterations[k], 1);
        EXPECT_EQ(in_float.status[k], Status::converged);
      }
    }
}

TEST(CloudSinkhorn, points_that_coincide) {
  Random random(56);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {1e-3, 0.1}) {
      SCOPED_TRACE(name(kind));
      auto clouds = random_clouds(random, kind, 30, 30, 2);
      for (int i = 10; i < 30; ++i) clouds.x[i] = clouds.x[i % 3];
      clouds.y = clouds.x;
      add_random_problems(random, clouds, 2);
      expect_matches_matrix<double>(clouds, epsilon, 10);
      // Close points: the cosine and the arccos of a float product keep no more than its rounding.
      expect_matches_matrix<float>(clouds, epsilon, 10);
    }
}

TEST(CloudSinkhorn, far_from_the_origin) {
  Random random(57);
  for (const GroundCost& kind : tested_costs) {
    if (takes_directions(kind)) continue;
    SCOPED_TRACE(name(kind));
    auto clouds = random_clouds(random, kind, 25, 19, 3);
    // Multiples of 2^−30: the offset rounds nothing.
    for (Rows* points : {&clouds.x, &clouds.y})
      for (Row& point : *points)
        for (double& c : point) c = std::round(c * 0x1p30) * 0x1p-30;
    add_random_problems(random, clouds, 2);
    auto far = clouds;
    for (Rows* points : {&far.x, &far.y})
      for (Row& point : *points)
        for (double& c : point) c += 1e6;
    const auto near_f = solve<double>(clouds, exactly(20, 0.02));
    const auto far_f = solve<double>(far, exactly(20, 0.02));
    for (int k = 0; k < 2; ++k) EXPECT_LT(distance_up_to_constant(near_f.f[k], far_f.f[k]), 1e-8);
    expect_matches_matrix<float>(far, 0.02, 10);
  }
}

TEST(CloudSinkhorn, masses_and_unequal_ones) {
  Random random(58);
  auto clouds = random_clouds(random, SquaredEuclideanCost(), 20, 20, 3);
  add_random_problems(random, clouds, 1);
  const auto base = solve<double>(clouds, exactly(20, 0.05));
  for (double factor : {1e-6, 1e6}) {
    auto heavy = clouds;
    for (double& w : heavy.sources[0]) w *= factor;
    const auto found = solve<double>(heavy, exactly(20, 0.05), nullptr, 3);
    EXPECT_LT(distance_up_to_constant(found.f[0], base.f[0]), 1e-10);
    const auto problem = dense_problem(as_matrix(heavy), 0, 0.05);
    const auto expected = solve_reference(problem, Row(20, 0.0), 1e-300, 1, 20);
    EXPECT_NEAR(found.errors[0][2], expected.errors[2], 1e-10);
  }
}

TEST(CloudSinkhorn, does_not_depend_on_neighbors) {
  Random random(59);
  auto clouds = random_clouds(random, EuclideanCost(), 40, 35, 3);
  add_random_problems(random, clouds, 4, 0.3);
  add_random_problems(random, clouds, 2);
  const auto together = solve<double>(clouds, exactly(10, 0.05));
  for (int k = 0; k < clouds.size(); ++k) {
    HostClouds alone{clouds.cost, clouds.x, clouds.y};
    alone.add(clouds.sources[k], clouds.targets[k]);
    EXPECT_EQ(solve<double>(alone, exactly(10, 0.05)).f[0], together.f[k]);
  }
}

TEST(CloudSinkhorn, not_a_number_in_a_start) {
  const WithoutTraps quiet;
  Random random(60);
  for (const GroundCost& kind : tested_costs) {
    auto clouds = random_clouds(random, kind, 12, 9, 3);
    add_random_problems(random, clouds, 3);
    Rows start(3, Row(12, 0.0));
    start[0][5] = std::numeric_limits<double>::quiet_NaN();
    start[1].assign(12, -infinity);
    const auto found = solve<double>(clouds, settings_for(0.1, 1e-6, 1000), &start);
    EXPECT_EQ(found.status[0], Status::not_finite);
    EXPECT_EQ(found.status[1], Status::not_finite);
    EXPECT_EQ(found.status[2], Status::converged);
    EXPECT_EQ(found.iterations[0], 0);
  }
}

TEST(CloudSinkhorn, sizes_and_arguments) {
  Random random(61);
  auto clouds = random_clouds(random, EuclideanCost(), 3, 4, 2);
  EXPECT_NO_THROW(solve<double>(clouds, exactly(1, 0.1))) << "an empty batch";
  add_random_problems(random, clouds, 1);
  EXPECT_THROW(solve<double>(clouds, exactly(1, 0)), std::invalid_argument);
  EXPECT_THROW(solve<double>(clouds, exactly(-1, 1)), std::invalid_argument);
  EXPECT_THROW(solve<double>(clouds, settings_for(1, 0, 1)), std::invalid_argument);
  auto settings = exactly(1, 1);
  settings.inner_iterations = 0;
  EXPECT_THROW(solve<double>(clouds, settings), std::invalid_argument);
  settings = exactly(1, 1);
  settings.path = Path::scaling;
  EXPECT_THROW(solve<double>(clouds, settings), std::invalid_argument);
  const Rows short_start = {{0, 0}};
  const auto cost = on_device(clouds);
  const Matrix<double, Space> f("otfleet::test::f", 1, 4);
  const Vector<int, Space> counts("otfleet::test::counts", 1);
  const Measures<Space> three(Space(), on_device(Rows{{1, 1, 1}}, 3)),
      four(Space(), on_device(Rows{{1, 1, 1, 1}}, 4));
  const ProblemBatch<Space> problems{three, four, on_device(std::vector<int>{0}),
                                     on_device(std::vector<int>{0})};
  EXPECT_THROW(sinkhorn<double>(Space(), cost, problems, exactly(1, 1), true, f, counts, counts),
               std::invalid_argument);
  const ProblemBatch<Space> swapped{four, three, problems.source_index, problems.target_index};
  EXPECT_THROW(sinkhorn<double>(Space(), cost, swapped, exactly(1, 1), true, f, counts, counts),
               std::invalid_argument);
  const ProblemBatch<Space> missing{three, four, on_device(std::vector<int>{1}),
                                    problems.target_index};
  const Matrix<double, Space> fits("otfleet::test::f", 1, 3);
  EXPECT_THROW(sinkhorn<double>(Space(), cost, missing, exactly(1, 1), true, fits, counts, counts),
               std::invalid_argument);
  // Distances of 1e20 have no square in float.
  clouds.x[0][0] = 1e20;
  EXPECT_THROW(solve<float>(clouds, exactly(1, 1e18)), std::invalid_argument);
  EXPECT_NO_THROW(solve<double>(clouds, exactly(1, 1e18)));
}

/// The message with which a cost over these clouds is refused; empty where it is not.
std::string refusal(const HostClouds& clouds) {
  try {
    on_device(clouds);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(PointCloudCost, refuses_bad_points_by_name) {
  Random random(62);
  for (const GroundCost& kind : tested_costs) {
    const auto good = random_clouds(random, kind, 6, 5, 3);
    EXPECT_EQ(refusal(good), "");
    for (double wrong : {std::numeric_limits<double>::quiet_NaN(), infinity}) {
      auto clouds = good;
      clouds.y[3][1] = wrong;
      EXPECT_NE(refusal(clouds).find("target point 3"), std::string::npos) << refusal(clouds);
      clouds.x[2][0] = wrong;
      clouds.x[4][0] = wrong;
      EXPECT_NE(refusal(clouds).find("source point 2"), std::string::npos) << refusal(clouds);
    }
    auto zero = good;
    zero.x[1].assign(3, 0.0);
    const bool allowed = !takes_directions(kind);
    EXPECT_EQ(refusal(zero) == "", allowed);
  }
  auto clouds = random_clouds(random, PowerCost(), 3, 3, 2);
  for (double power : {0.0, -1.0, infinity}) {
    clouds.cost = PowerCost(power);
    EXPECT_NE(refusal(clouds), "");
  }
  EXPECT_THROW(PointCloudCost<Space>(Space(), on_device(clouds.x, 2), on_device(clouds.x, 1),
                                     EuclideanCost()),
               std::invalid_argument);
  EXPECT_THROW(PointCloudCost<Space>(Space(), on_device(clouds.x, 0), on_device(clouds.x, 0),
                                     EuclideanCost()),
               std::invalid_argument);
}

TEST(PointCloudCost, bound_is_above_every_cost) {
  Random random(63);
  for (const GroundCost& kind : tested_costs)
    for (int d : {1, 3}) {
      const auto clouds = random_clouds(random, kind, 20, 30, d);
      const double bound = on_device(clouds).bound();
      for (const Row& x : clouds.x)
        for (const Row& y : clouds.y) EXPECT_LE(ground_cost(clouds, x, y), bound);
    }
}

}  // namespace
}  // namespace otfleet::kernels

#include "src/populations/least_action_costs.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using Values = std::vector<double>;

/// A job with [problem] cost = "least_action" and this Lagrangian, with its usual parameters.
Job job_with(const std::string& lagrangian) {
  const testing::TemporaryFolder folder;
  testing::write_bytes(folder / "job.toml",
                       "[problem]\ngeometry = \"dense\"\ncost = \"least_action\"\n");
  return read_job(folder / "job.toml",
                  {"data.points.file=points.npy", "lagrangian.name=" + lagrangian});
}

Geometry between(const Values& from, const Values& to, std::int64_t dimension) {
  Geometry geometry;
  geometry.kind = Geometry::Kind::dense;
  geometry.ground_cost.reset();
  geometry.dimension = dimension;
  geometry.source_points = from;
  geometry.target_points = to;
  geometry.n = static_cast<std::int64_t>(from.size()) / dimension;
  geometry.m = static_cast<std::int64_t>(to.size()) / dimension;
  return geometry;
}

Values costs(const Job& job, Geometry geometry) {
  add_least_action_costs(job, geometry);
  return geometry.cost;
}

TEST(LeastActionCosts, StraightOnesAreHalfSquaredDistances) {
  const Values points = {0, 0, 0, 1, 2, 2, -1, 0.5, 3}, others = {0, 1, 0, 4, 0, 3};
  const auto cost = costs(job_with("squared_euclidean"), between(points, others, 3));
  ASSERT_EQ(cost.size(), 6u);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 2; ++j) {
      double square = 0;
      for (std::size_t k = 0; k < 3; ++k)
        square += std::pow(points[3 * i + k] - others[3 * j + k], 2);
      EXPECT_NEAR(cost[2 * i + j], square / 2, 1e-9);
    }
}

TEST(LeastActionCosts, EachPairOnceWhereBothSidesAreTheSame) {
  const Values points = {-1, 0.1, 1, 0, 0.9, 0.8, -1.2, -0.3};
  const auto job = job_with("box");
  const auto same = costs(job, between(points, points, 2));
  Values moved = points;
  moved[0] += 1e-9;  // another set of points, solved in both directions
  const auto both = costs(job, between(points, moved, 2));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(same[5 * i], 0, 1e-12);
    for (std::size_t j = 0; j < 4; ++j) {
      EXPECT_EQ(same[4 * i + j], same[4 * j + i]);
      EXPECT_NEAR(same[4 * i + j], both[4 * i + j], 1e-6);
    }
  }
  EXPECT_GT(same[1], 2 * 1.05);  // around the box or through it: more than half the square of 2
}

TEST(LeastActionCosts, WhatNoPathTakesIsRefused) {
  const auto refuse = [](const std::string& lagrangian, Geometry geometry, const auto&... parts) {
    expect_error([&] { add_least_action_costs(job_with(lagrangian), geometry); }, "points.npy",
                 parts...);
  };
  refuse("box", between({0, 0, 0}, {1, 1, 1}, 3), "points of 3 coordinates",
         "lagrangian.name = 'box' takes 2");
  refuse("squared_euclidean", between(Values(17, 0.0), Values(17, 1.0), 17),
         "points of 17 coordinates", "1 to 16");
  refuse("squared_euclidean", between({0, 1}, {1e200}, 1), "the path from point 0 to point 0",
         "no finite action");
}

TEST(LeastActionCosts, MatricesThatDoNotFitAreRefused) {
  auto geometry = between({0, 1}, {1}, 1);
  geometry.n = geometry.m = 10'000'000;
  expect_error([&] { add_least_action_costs(job_with("squared_euclidean"), geometry); },
               "problem.cost = 'least_action'", "10000000 x 10000000 costs",
               "fewer points are needed");
}

}  // namespace
}  // namespace otfleet

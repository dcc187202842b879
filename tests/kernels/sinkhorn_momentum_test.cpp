#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "tests/kernels/host_batch.hpp"

// What the solver does beyond Sinkhorn's iteration: momentum, and a second look at doubtful starts.

namespace otfleet::kernels {
namespace {

using namespace test;

constexpr Path both_paths[] = {Path::scaling, Path::extended};

SinkhornSettings settings_for(double epsilon, double threshold, Path path) {
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = threshold;
  settings.max_iterations = 20000;
  settings.path = path;
  settings.acceleration = Acceleration::momentum;
  return settings;
}

template <class Scalar>
void expect_same_solutions(double epsilon, double threshold, double tolerance) {
  Random random(61);
  for (Geometry geometry : all_geometries)
    for (double zero_share : {0.0, 0.4})
      for (Path path : both_paths) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 13, zero_share);
        if (path == Path::scaling &&
            !scaling_is_safe<Scalar>(batch.cost, epsilon, 1e-4, momentum_limit))
          continue;
        auto settings = settings_for(epsilon, threshold, path);
        const auto fast = solve<Scalar>(batch, settings);
        settings.acceleration = Acceleration::none;
        const auto plain = solve<Scalar>(batch, settings);
        const auto one = judge(batch, epsilon, fast.f), other = judge(batch, epsilon, plain.f);
        for (int k = 0; k < batch.size(); ++k) {
          EXPECT_EQ(fast.status[k], Status::converged);
          EXPECT_LT(one.marginal_error[k], threshold * (1 + 1e-4) + 1e-14);
          EXPECT_NEAR(one.dual_value[k], other.dual_value[k], tolerance);
          EXPECT_NEAR(one.transport_cost[k], other.transport_cost[k], tolerance * 10);
        }
      }
}

TEST(SinkhornMomentum, ends_where_the_plain_iteration_ends) {
  expect_same_solutions<double>(0.1, 1e-10, 1e-11);
  expect_same_solutions<double>(0.01, 1e-8, 1e-9);
  expect_same_solutions<float>(0.1, 1e-4, 1e-5);
}

TEST(SinkhornMomentum, needs_far_fewer_iterations_at_small_epsilon) {
  Random random(62);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 20);
  auto settings = settings_for(1e-3, 1e-3, Path::extended);
  const auto fast = solve<double>(batch, settings);
  settings.acceleration = Acceleration::none;
  const auto plain = solve<double>(batch, settings);
  double fast_sum = 0, plain_sum = 0;
  for (int k = 0; k < batch.size(); ++k) {
    fast_sum += fast.iterations[k];
    plain_sum += plain.iterations[k];
  }
  EXPECT_LT(fast_sum, plain_sum / 2);
}

/// The constant in f is free; were it not taken out of the momentum, it would grow without bound.
TEST(SinkhornMomentum, scaling_path_stays_in_range_over_many_iterations) {
  Random random(63);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 5, 0.3);
  auto settings = settings_for(0.02, 1e-300, Path::scaling);
  settings.max_iterations = 3000;
  const auto solution = solve<double>(batch, settings);
  const auto judgment = judge(batch, 0.02, solution.f);
  for (int k = 0; k < batch.size(); ++k) EXPECT_LT(judgment.marginal_error[k], 1e-13);
}

TEST(SinkhornMomentum, instances_do_not_depend_on_neighbors) {
  Random random(64);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 41, 0.5);
  for (Path path : both_paths) {
    const auto settings = settings_for(0.05, 1e-6, path);
    const auto together = solve<double>(batch, settings, nullptr, 25);
    for (int k = 0; k < batch.size(); ++k) {
      const auto alone = solve<double>(batch.subset({k}), settings, nullptr, 25);
      EXPECT_EQ(together.iterations[k], alone.iterations[0]);
      EXPECT_EQ(together.f[k], alone.f[0]);
    }
  }
}

/// A start from the solution plus a little noise is kept; one of noise alone is worse than zeros.
TEST(SinkhornMomentum, doubtful_starts_are_compared_with_zeros) {
  Random random(65);
  const int size = 20;
  for (Path path : both_paths)
    for (Acceleration acceleration : {Acceleration::none, Acceleration::momentum}) {
      const auto batch = random_batch(random, random_cost(random, Geometry::plane), size, 0.3);
      auto settings = settings_for(0.05, 1e-8, path);
      settings.acceleration = acceleration;
      const auto solved = solve<double>(batch, settings);
      Rows start = solved.f;
      for (int k = 0; k < size; ++k)
        for (double& value : start[k]) {
          if (k % 4 == 1) value = random.uniform(-3, 3);
          if (k % 4 == 2) value = std::numeric_limits<double>::quiet_NaN();
        }
      settings.doubtful_error = 0.25;
      const auto f = on_device(start, batch.cost.n());
      const Vector<int, Space> iterations("otfleet::test::iterations", size),
          status("otfleet::test::status", size), replaced("otfleet::test::replaced", size);
      sinkhorn<double>(Space(), batch.cost, on_device(batch), settings, false, f, iterations,
                       status, {}, replaced);
      for (int k = 0; k < size; ++k) {
        const bool spoiled = k % 4 == 1 || k % 4 == 2;
        EXPECT_EQ(replaced(k), spoiled ? 1 : 0) << k;
        EXPECT_EQ(status(k), static_cast<int>(Status::converged)) << k;
        EXPECT_EQ(iterations(k), spoiled ? solved.iterations[k] : 0) << k;
      }
    }
}

/// Doubtful, but better than zeros: the given start is taken up again.
TEST(SinkhornMomentum, a_doubtful_start_that_is_better_is_kept) {
  Random random(66);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 12);
  auto settings = settings_for(0.02, 1e-300, Path::scaling);
  settings.max_iterations = 6;
  const auto start = solve<double>(batch, settings);
  settings.threshold = 1e-9;
  settings.max_iterations = 20000;
  const auto trusted = solve<double>(batch, settings, &start.f);
  settings.doubtful_error = 0;
  const auto checked = solve<double>(batch, settings, &start.f);
  for (int k = 0; k < batch.size(); ++k) {
    EXPECT_EQ(checked.iterations[k], trusted.iterations[k]);
    EXPECT_EQ(checked.f[k], trusted.f[k]);
  }
}

}  // namespace
}  // namespace otfleet::kernels

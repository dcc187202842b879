#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/operators/in_lanes/scaling_range.hpp"
#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/traps.hpp"

// Extreme inputs, stopping rules, and everything that the solver rejects.

namespace otfleet::kernels {
namespace {

using namespace test;

SinkhornSettings settings_for(double epsilon, double threshold, int max_iterations,
                              Path path = Path::automatic) {
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = threshold;
  settings.max_iterations = max_iterations;
  settings.path = path;
  return settings;
}

Row zeros(const HostBatch& batch) {
  return Row(batch.cost.n(), 0.0);
}

TEST(SinkhornEdge, zero_weights_at_every_epsilon_and_path) {
  Random random(21);
  for (double epsilon : {1e-4, 1e-3, 1e-2, 1e-1, 1.0})
    for (Geometry geometry : all_geometries)
      for (Path path : {Path::automatic, Path::scaling, Path::extended}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.4);
        if (path == Path::scaling && !scaling_is_safe<double>(batch.cost, epsilon, 0.001)) continue;
        const int count = 60;
        const auto settings = settings_for(epsilon, 1e-9, count, path);
        const auto solution = solve<double>(batch, settings, nullptr, count + 1);
        const auto single = solve<float>(batch, settings_for(epsilon, 1e-9, count), nullptr);
        for (int k = 0; k < batch.size(); ++k) {
          const auto problem = dense_problem(batch, k, epsilon);
          for (int i = 0; i < problem.n; ++i) {
            EXPECT_EQ(std::isfinite(solution.f[k][i]), problem.a[i] > 0);
            EXPECT_EQ(std::isfinite(single.f[k][i]), problem.a[i] > 0);
          }
          const double error = marginal_error(problem, solution.f[k]);
          EXPECT_NEAR(error, solution.errors[k][solution.iterations[k]], 1e-10);
          EXPECT_EQ(solution.status[k], error < 1e-9 ? Status::converged : Status::iteration_limit);
          const auto expected = solve_reference(problem, zeros(batch), 1e-9, 1, count);
          EXPECT_LT(distance_up_to_constant(solution.f[k], expected.f), 1e-9);
        }
      }
}

TEST(SinkhornEdge, scaling_path_equals_logarithmic_path) {
  Random random(22);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {0.05, 0.3}) {
      const auto batch = random_batch(random, random_cost(random, geometry), 5, 0.3);
      for (int count : {1, 20}) {
        const auto one = solve<double>(batch, settings_for(epsilon, 1e-300, count, Path::scaling));
        const auto other =
            solve<double>(batch, settings_for(epsilon, 1e-300, count, Path::extended));
        for (int k = 0; k < batch.size(); ++k)
          EXPECT_LT(distance_up_to_constant(one.f[k], other.f[k]), 1e-11);
      }
    }
}

TEST(SinkhornEdge, scaling_is_safe_where_its_bound_says) {
  // range 1, n = m = 2, smallest weight 1/2: 3/epsilon + log 4 + log 2 + 36.04 <= 709.78.
  const auto cost = SeparableCost::dense(2, 2, {0, 1, 1, 0});
  EXPECT_TRUE(scaling_is_safe<double>(cost, 3 / 671.0, 0.5));
  EXPECT_FALSE(scaling_is_safe<double>(cost, 3 / 672.0, 0.5));
  EXPECT_TRUE(scaling_is_safe<float>(cost, 3 / 70.5, 0.5));
  EXPECT_FALSE(scaling_is_safe<float>(cost, 3 / 71.0, 0.5));
  EXPECT_FALSE(scaling_is_safe<double>(cost, 3 / 671.0, 1e-10));
}

/// The hardest problem that the bound admits: the path must still lose nothing, from starts that
/// are as far away as a start can be.
template <class Scalar>
void scaling_path_at_the_limit_of_its_bound(double relative_tolerance) {
  Random random(23);
  for (int repetition = 0; repetition < 20; ++repetition) {
    const auto batch = random_batch(random, random_cost(random, Geometry::dense), 2, 0.3);
    const double range = batch.cost.range();
    double smallest = 1;
    for (const Rows& rows : {batch.sources, batch.targets})
      for (const Row& row : rows)
        for (double w : row) smallest = w > 0 ? std::min(smallest, w) : smallest;
    double epsilon = range / 500;
    while (!scaling_is_safe<Scalar>(batch.cost, epsilon, smallest)) epsilon *= 1.001;
    Rows start;
    for (int k = 0; k < 2; ++k) start.push_back(random.uniform_row(batch.cost.n(), -range, 0));
    const auto solution =
        solve<Scalar>(batch, settings_for(epsilon, 1e-300, 50, Path::scaling), &start);
    for (int k = 0; k < 2; ++k) {
      const auto problem = dense_problem(batch, k, epsilon);
      const auto expected = solve_reference(problem, start[k], 1e-300, 1, 50);
      EXPECT_LT(distance_up_to_constant(solution.f[k], expected.f), relative_tolerance * range);
    }
  }
}

TEST(SinkhornEdge, scaling_path_at_the_limit_of_its_bound_in_double) {
  scaling_path_at_the_limit_of_its_bound<double>(1e-12);
}
TEST(SinkhornEdge, scaling_path_at_the_limit_of_its_bound_in_float) {
  scaling_path_at_the_limit_of_its_bound<float>(3e-6);  // see float_tolerance in sinkhorn_test.cpp
}

TEST(SinkhornEdge, a_start_may_have_points_without_potential) {
  Random random(24);
  for (Path path : {Path::scaling, Path::extended})
    for (Geometry geometry : {Geometry::dense, Geometry::plane}) {
      const auto batch = random_batch(random, random_cost(random, geometry), 1);
      Rows start = {random.uniform_row(batch.cost.n(), -0.1, 0.1)};
      start[0][0] = -infinity;
      const auto settings = settings_for(0.1, 1e-300, 12, path);
      const auto solution = solve<double>(batch, settings, &start, 13);
      const auto expected = solve_reference(dense_problem(batch, 0, 0.1), start[0], 1e-300, 1, 12);
      EXPECT_LT(distance_up_to_constant(solution.f[0], expected.f), 1e-9);
      for (int t = 0; t <= solution.iterations[0]; ++t)
        EXPECT_NEAR(solution.errors[0][t], expected.errors[t], 1e-11);
    }
}

TEST(SinkhornEdge, cost_with_a_huge_offset) {
  Random random(25);
  for (Geometry geometry : all_geometries)
    for (Path path : {Path::scaling, Path::extended})
      for (double offset : {1e6, -1e6}) {
        const auto batch = random_batch(random, random_cost(random, geometry), 1);
        std::vector<AxisCost> axes = batch.cost.axes();
        for (double& c : axes.back().values) c += offset;
        HostBatch shifted{SeparableCost(axes), batch.sources, batch.targets, {0}, {0}};
        const auto settings = settings_for(0.05, 1e-300, 15, path);
        const auto one = solve<double>(batch, settings), other = solve<double>(shifted, settings);
        // The offset itself costs the costs 1e6 · 1e-16 each.
        EXPECT_LT(distance_up_to_constant(one.f[0], other.f[0]), 1e-8);
      }
}

TEST(SinkhornEdge, unequal_stored_masses_do_not_matter) {
  Random random(26);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 1);
  HostBatch rounded = batch;
  for (double& w : rounded.targets[0]) w *= 1 + 1e-6;
  for (Path path : {Path::scaling, Path::extended}) {
    const auto settings = settings_for(0.05, 1e-12, 5000, path);
    const auto one = solve<double>(batch, settings), other = solve<double>(rounded, settings);
    EXPECT_EQ(other.status[0], Status::converged);
    EXPECT_NEAR(one.iterations[0], other.iterations[0], 1);
    EXPECT_LT(distance_up_to_constant(one.f[0], other.f[0]), 1e-11);
  }
}

TEST(SinkhornEdge, weights_down_to_1e_300) {
  Random random(27);
  for (double tiny : {1e-20, 1e-100, 1e-300})
    for (Geometry geometry : all_geometries) {
      SCOPED_TRACE(name(geometry));
      auto batch = random_batch(random, random_cost(random, geometry), 1);
      batch.sources[0][0] = tiny;
      batch.targets[0].back() = tiny;
      const auto problem = dense_problem(batch, 0, 0.05);
      for (Path path : {Path::automatic, Path::extended}) {
        const auto settings = settings_for(0.05, 1e-10, 3000, path);
        const auto solution = solve<double>(batch, settings);
        const auto expected = solve_reference(problem, zeros(batch), 1e-10, 1, 3000);
        EXPECT_NEAR(solution.iterations[0], expected.iterations, 1);
        const auto same = solve_reference(problem, zeros(batch), 1e-300, 1, solution.iterations[0]);
        EXPECT_LT(distance_up_to_constant(solution.f[0], same.f), 1e-9);
        const auto single = solve<float>(batch, settings_for(0.05, 1e-4, 3000, path));
        EXPECT_EQ(single.status[0], Status::converged);
        EXPECT_LT(marginal_error(problem, single.f[0]), 2e-4);
      }
    }
}

TEST(SinkhornEdge, no_iteration_allowed) {
  Random random(28);
  const auto batch = random_batch(random, random_cost(random, Geometry::line), 2, 0.3);
  const auto optimum = solve<double>(batch, settings_for(0.1, 1e-10, 10000));
  for (Path path : {Path::scaling, Path::extended}) {
    const auto from_zeros = solve<double>(batch, settings_for(0.1, 1e-6, 0, path), nullptr, 2);
    const auto from_optimum = solve<double>(batch, settings_for(0.1, 1e-6, 0, path), &optimum.f);
    for (int k = 0; k < 2; ++k) {
      EXPECT_EQ(from_zeros.iterations[k], 0);
      EXPECT_EQ(from_zeros.status[k], Status::iteration_limit);
      EXPECT_NEAR(from_zeros.errors[k][0],
                  marginal_error(dense_problem(batch, k, 0.1), zeros(batch)), 1e-12);
      EXPECT_TRUE(std::isnan(from_zeros.errors[k][1])) << "written beyond the last iteration";
      EXPECT_EQ(from_optimum.iterations[k], 0);
      EXPECT_EQ(from_optimum.status[k], Status::converged);
      EXPECT_LT(distance_up_to_constant(from_optimum.f[k], optimum.f[k]), 1e-12);
    }
  }
}

TEST(SinkhornEdge, looks_at_the_error_every_inner_iterations) {
  Random random(29);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 12);
  auto settings = settings_for(0.02, 1e-4, 2000);
  const auto each = solve<double>(batch, settings);
  settings.inner_iterations = 10;
  const auto tenth = solve<double>(batch, settings, nullptr, 2000);
  bool waited = false;
  for (int k = 0; k < batch.size(); ++k) {
    ASSERT_EQ(tenth.status[k], Status::converged);
    // The error never grows, so that the next look after the first good iteration ends it.
    EXPECT_EQ(tenth.iterations[k], (each.iterations[k] + 9) / 10 * 10);
    waited |= tenth.iterations[k] > each.iterations[k];
    const auto problem = dense_problem(batch, k, 0.02);
    EXPECT_NEAR(marginal_error(problem, tenth.f[k]), tenth.errors[k][tenth.iterations[k]], 1e-12);
  }
  EXPECT_TRUE(waited);

  // The limit ends an instance between two looks, and the error then decides.
  settings.max_iterations = each.iterations[0] + 1;
  if (settings.max_iterations % 10 == 0) settings.max_iterations += 1;
  const auto limited = solve<double>(batch.subset({0}), settings);
  EXPECT_EQ(limited.status[0], Status::converged);
  EXPECT_LE(limited.iterations[0], settings.max_iterations);
  settings.max_iterations = each.iterations[0] - 1;
  const auto short_of_it = solve<double>(batch.subset({0}), settings);
  EXPECT_EQ(short_of_it.status[0], Status::iteration_limit);
  EXPECT_EQ(short_of_it.iterations[0], settings.max_iterations);
}

TEST(SinkhornEdge, error_trace_shorter_than_the_run) {
  Random random(30);
  const auto batch = random_batch(random, random_cost(random, Geometry::dense), 20);
  const auto settings = settings_for(0.05, 1e-5, 500);
  const auto full = solve<double>(batch, settings, nullptr, 501);
  const auto part = solve<double>(batch, settings, nullptr, 3);
  for (int k = 0; k < batch.size(); ++k) {
    EXPECT_EQ(full.f[k], part.f[k]);
    for (int t = 0; t <= std::min(2, full.iterations[k]); ++t)
      EXPECT_EQ(full.errors[k][t], part.errors[k][t]);
    for (int t = 0; t <= full.iterations[k]; ++t)
      EXPECT_EQ(full.errors[k][t] < 1e-5, t == full.iterations[k])
          << "the first below the threshold";
  }
}

// --- what is rejected -------------------------------------------------------------------------

class SinkhornRejects : public testing::Test {
 protected:
  SinkhornRejects() : batch{SeparableCost::dense(2, 3, {1, 2, 3, 4, 5, 6})} {
    batch.add({0.5, 0.5}, {0.2, 0.3, 0.5});
    batch.add({0.1, 0.9}, {0.4, 0.3, 0.3});
  }

  void expect_rejected(const SinkhornSettings& settings) const {
    EXPECT_THROW(solve<double>(batch, settings), std::invalid_argument);
    EXPECT_THROW(solve<float>(batch, settings), std::invalid_argument);
  }

  /// Calls the solver with outputs of the given sizes.
  void call(int f_rows, int f_columns, int iterations, int status, int trace_rows) const {
    sinkhorn<double>(Space(), batch.cost, on_device(batch), SinkhornSettings(), true,
                     Matrix<double, Space>("otfleet::test::f", f_rows, f_columns),
                     Vector<int, Space>("otfleet::test::iterations", iterations),
                     Vector<int, Space>("otfleet::test::status", status),
                     Matrix<double, Space>("otfleet::test::trace", trace_rows, 4));
  }

  HostBatch batch;
};

TEST_F(SinkhornRejects, settings_out_of_range) {
  const WithoutTraps quiet;  // a comparison with NaN is an invalid operation
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(solve<double>(batch, settings_for(1, 1e-3, 10)));
  for (double epsilon : {0.0, -1.0, nan, infinity})
    expect_rejected(settings_for(epsilon, 1e-3, 10));
  for (double threshold : {0.0, -1.0, nan}) expect_rejected(settings_for(1, threshold, 10));
  expect_rejected(settings_for(1, 1e-3, -1));
  auto settings = settings_for(1, 1e-3, 10);
  for (int inner : {0, -1}) {
    settings.inner_iterations = inner;
    expect_rejected(settings);
  }
  expect_rejected(settings_for(1e-3, 1e-3, 10, Path::scaling));
  EXPECT_NO_THROW(solve<double>(batch, settings_for(1e-3, 1e-3, 10, Path::automatic)));
}

TEST_F(SinkhornRejects, outputs_of_other_sizes) {
  EXPECT_NO_THROW(call(2, 2, 2, 2, 2));
  EXPECT_THROW(call(3, 2, 2, 2, 2), std::invalid_argument);
  EXPECT_THROW(call(2, 3, 2, 2, 2), std::invalid_argument);
  EXPECT_THROW(call(2, 2, 1, 2, 2), std::invalid_argument);
  EXPECT_THROW(call(2, 2, 2, 3, 2), std::invalid_argument);
  EXPECT_THROW(call(2, 2, 2, 2, 1), std::invalid_argument);
}

TEST_F(SinkhornRejects, indices_of_measures_that_do_not_exist) {
  for (int wrong : {-1, 2}) {
    auto other = batch;
    other.source_index[1] = wrong;
    EXPECT_THROW(solve<double>(other, SinkhornSettings()), std::invalid_argument);
    other = batch;
    other.target_index[0] = wrong;
    EXPECT_THROW(solve<double>(other, SinkhornSettings()), std::invalid_argument);
  }
  batch.target_index.pop_back();
  EXPECT_THROW(solve<double>(batch, SinkhornSettings()), std::invalid_argument);
}

TEST_F(SinkhornRejects, measures_of_another_size_than_the_cost) {
  const Matrix<double, Space> f("otfleet::test::f", 2, 3);
  const Vector<int, Space> iterations("otfleet::test::iterations", 2), status = iterations;
  const auto cost = SeparableCost::dense(3, 2, {1, 2, 3, 4, 5, 6});
  EXPECT_THROW(sinkhorn<double>(Space(), cost, on_device(batch), SinkhornSettings(), true, f,
                                iterations, status),
               std::invalid_argument);
}

TEST_F(SinkhornRejects, weights_that_are_no_measure) {
  const WithoutTraps quiet;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Row& row : {Row{-0.1, 1.1}, Row{nan, 1}, Row{infinity, 1}, Row{0, 0}}) {
    try {
      Measures<Space>(Space(), on_device(Rows{{0.5, 0.5}, row}, 2));
      ADD_FAILURE() << row[0] << " " << row[1] << " is accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find("measure 1"), std::string::npos) << error.what();
    }
  }
  const Measures<Space> measures(Space(), on_device(Rows{{0, 0.5}, {3, 1}}, 2));
  EXPECT_EQ(measures.smallest_weight, 0.25);
}

}  // namespace
}  // namespace otfleet::kernels

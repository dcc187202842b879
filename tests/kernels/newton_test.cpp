#include "kernels/solvers/newton/newton.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "kernels/solvers/newton/point_order.hpp"
#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/traps.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

NewtonSettings settings_for(double epsilon, double threshold, int max_iterations = 500) {
  NewtonSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = threshold;
  settings.max_iterations = max_iterations;
  return settings;
}

/// Everything that a converged instance promises, judged by the reference.
void expect_solved(const HostBatch& batch, const NewtonSettings& settings,
                   const Solution& solution) {
  for (int k = 0; k < batch.size(); ++k) {
    SCOPED_TRACE("instance " + std::to_string(k));
    const auto problem = dense_problem(batch, k, settings.epsilon);
    EXPECT_EQ(solution.status[k], Status::converged);
    EXPECT_LE(solution.iterations[k], settings.max_iterations);
    for (int i = 0; i < problem.n; ++i)
      EXPECT_EQ(std::isfinite(solution.f[k][i]), problem.a[i] > 0) << i;
    EXPECT_LT(marginal_error(problem, solution.f[k]), settings.threshold * (1 + 1e-9) + 1e-13);
  }
}

/// At most the optimum, at least what Sinkhorn's iteration found; equal where it got there.
void expect_optimal(const HostBatch& batch, const NewtonSettings& settings,
                    const Solution& solution, int sinkhorn_iterations) {
  SinkhornSettings first_order;
  first_order.epsilon = settings.epsilon;
  first_order.threshold = settings.threshold;
  first_order.max_iterations = sinkhorn_iterations;
  const auto other = solve<double>(batch, first_order);
  const auto mine = judge(batch, settings.epsilon, solution.f);
  const auto theirs = judge(batch, settings.epsilon, other.f);
  for (int k = 0; k < batch.size(); ++k) {
    const double tolerance =
        1e-9 * (1 + batch.cost.range()) + 2 * settings.threshold * batch.cost.range();
    EXPECT_GE(mine.dual_value[k], theirs.dual_value[k] - tolerance);
    if (other.status[k] == Status::converged) {
      EXPECT_NEAR(mine.dual_value[k], theirs.dual_value[k], tolerance);
    }
  }
}

TEST(Newton, agrees_with_sinkhorn) {
  Random random(41);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {0.003, 0.02, 0.1, 1.0})
      for (double zero_share : {0.0, 0.4}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        const auto batch = random_batch(random, random_cost(random, geometry), 4, zero_share);
        const auto settings = settings_for(epsilon, 1e-10);
        const auto solution = solve_newton(batch, settings);
        expect_solved(batch, settings, solution);
        expect_optimal(batch, settings, solution, 20000);
      }
}

TEST(Newton, every_epsilon_to_a_tight_threshold_in_few_passes) {
  Random random(42);
  for (Geometry geometry : all_geometries)
    for (double epsilon : {1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0}) {
      SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
      const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.2);
      const auto settings = settings_for(epsilon, 1e-9, 100);
      expect_solved(batch, settings, solve_newton(batch, settings));
    }
}

/// a = (p, 1 − p), b = (q, 1 − q), cost 1 off the diagonal: see sinkhorn_test.cpp.
TEST(Newton, two_by_two_closed_form) {
  const double p = 0.3, q = 0.6;
  for (double epsilon : {0.05, 0.2, 1.0, 5.0}) {
    const double k = std::exp(2 / epsilon), linear = k * (p + q) + 1 - p - q;
    const double x =
        2 * k * p * q / (linear + std::sqrt(linear * linear - 4 * (k - 1) * k * p * q));
    HostBatch batch{SeparableCost::dense(2, 2, {0, 1, 1, 0})};
    batch.add({p, 1 - p}, {q, 1 - q});
    const auto solution = solve_newton(batch, settings_for(epsilon, 1e-13));
    EXPECT_NEAR(judge(batch, epsilon, solution.f).transport_cost[0], p + q - 2 * x, 1e-12);
  }
}

TEST(Newton, one_point_on_a_side) {
  Random random(43);
  for (const auto& [n, m] : {std::pair{1, 5}, {5, 1}, {1, 1}}) {
    HostBatch batch{SeparableCost::dense(n, m, random.uniform_row(n * m, 0, 1))};
    batch.add(random.weights(n), random.weights(m));
    for (double epsilon : {1e-3, 0.1}) {
      const auto settings = settings_for(epsilon, 1e-10);
      const auto solution = solve_newton(batch, settings);
      expect_solved(batch, settings, solution);
      EXPECT_LE(solution.iterations[0], 12);
    }
  }
}

/// Many targets, so that blocks, the shared table and the coarse level all take part; then the
/// same problem from the other side and with a support that is gathered.
TEST(Newton, few_sources_and_many_targets_on_either_side) {
  Random random(44);
  const int n = 12, m = 3001;
  Row values, transposed(n * m);
  const Row x = random.uniform_row(n, 0, 1), y = random.uniform_row(m, 0, 1);
  for (double from : x)
    for (double to : y) values.push_back((from - to) * (from - to));
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j) transposed[j * n + i] = values[i * m + j];
  HostBatch batch{SeparableCost::dense(n, m, values)};
  HostBatch mirrored{SeparableCost::dense(m, n, transposed)};
  for (double zero_share : {0.0, 0.3, 0.8}) {
    const Row a = random.weights(n, 0.3), b = random.weights(m, zero_share);
    batch.add(a, b);
    mirrored.add(b, a);
  }
  for (double epsilon : {1e-3, 1e-2, 1e-1}) {
    const auto settings = settings_for(epsilon, 1e-9);
    const auto one = solve_newton(batch, settings), other = solve_newton(mirrored, settings);
    expect_solved(batch, settings, one);
    expect_solved(mirrored, settings, other);
    const auto value = judge(batch, epsilon, one.f), mirror = judge(mirrored, epsilon, other.f);
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(value.dual_value[k], mirror.dual_value[k], 1e-8);
  }
}

TEST(Newton, grids_equal_their_dense_matrix) {
  Random random(45);
  for (Geometry geometry :
       {Geometry::line, Geometry::plane, Geometry::space, Geometry::rectangular}) {
    const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.3);
    for (double epsilon : {1e-3, 0.05}) {
      const auto settings = settings_for(epsilon, 1e-11);
      const auto grid = judge(batch, epsilon, solve_newton(batch, settings).f);
      const auto dense = judge(batch, epsilon, solve_newton(as_dense(batch), settings).f);
      for (int k = 0; k < 3; ++k) EXPECT_NEAR(grid.dual_value[k], dense.dual_value[k], 1e-9);
    }
  }
}

TEST(Newton, duplicate_points_and_equal_costs) {
  Random random(46);
  for (int n : {3, 17})
    for (int m : {5, 40}) {
      Row values(n * m);
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j) values[i * m + j] = std::abs(i / 3 - j / 10);
      HostBatch batch{SeparableCost::dense(n, m, values)};
      HostBatch flat{SeparableCost::dense(n, m, Row(n * m, 3.0))};
      for (int k = 0; k < 3; ++k) {
        batch.add(random.weights(n, 0.2), random.weights(m, 0.2));
        flat.add(random.weights(n, 0.2), random.weights(m, 0.2));
      }
      for (double epsilon : {1e-3, 1e-1}) {
        const auto settings = settings_for(epsilon, 1e-9);
        expect_solved(batch, settings, solve_newton(batch, settings));
        expect_solved(flat, settings, solve_newton(flat, settings));
      }
    }
}

TEST(Newton, weights_down_to_1e_300) {
  Random random(47);
  for (double tiny : {1e-8, 1e-20, 1e-100, 1e-300})
    for (Geometry geometry : all_geometries)
      for (double epsilon : {1e-3, 0.05}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
        auto batch = random_batch(random, random_cost(random, geometry), 2);
        batch.sources[0][0] = tiny;
        batch.targets[0].back() = tiny;
        const auto settings = settings_for(epsilon, 1e-9);
        const auto solution = solve_newton(batch, settings);
        expect_solved(batch, settings, solution);
        expect_optimal(batch, settings, solution, 3000);
      }
}

TEST(Newton, huge_offset_scale_and_mass) {
  Random random(48);
  for (Geometry geometry : all_geometries) {
    SCOPED_TRACE(name(geometry));
    const auto batch = random_batch(random, random_cost(random, geometry), 2, 0.2);
    const auto base = judge(batch, 0.02, solve_newton(batch, settings_for(0.02, 1e-10)).f);
    for (double offset : {1e6, -1e6}) {
      std::vector<AxisCost> axes = batch.cost.axes();
      for (double& c : axes.back().values) c += offset;
      HostBatch shifted = batch;
      shifted.cost = SeparableCost(axes);
      const auto solution = solve_newton(shifted, settings_for(0.02, 1e-8));
      for (int k = 0; k < 2; ++k) {
        EXPECT_EQ(solution.status[k], Status::converged);
        // The offset itself costs the costs 1e6 · 1e-16 each.
        EXPECT_LT(marginal_error(dense_problem(batch, k, 0.02), solution.f[k]), 3e-8);
      }
    }
    for (double factor : {1e-6, 1e6}) {
      std::vector<AxisCost> axes = batch.cost.axes();
      for (AxisCost& axis : axes)
        for (double& c : axis.values) c *= factor;
      HostBatch scaled = batch, heavy = batch;
      scaled.cost = SeparableCost(axes);
      const auto settings = settings_for(0.02 * factor, 1e-10);
      const auto solution = solve_newton(scaled, settings);
      expect_solved(scaled, settings, solution);
      const auto value = judge(scaled, settings.epsilon, solution.f);
      for (int k = 0; k < 2; ++k)
        EXPECT_NEAR(value.dual_value[k] / factor, base.dual_value[k], 1e-8);

      for (double& w : heavy.sources[0]) w *= factor;
      for (double& w : heavy.targets[0]) w *= factor;
      const auto with_mass = settings_for(0.02, 1e-10);
      expect_solved(heavy, with_mass, solve_newton(heavy, with_mass));
    }
  }
}

TEST(Newton, an_error_that_is_only_rounding_ends_within_tens_of_passes) {
  Random random(481);
  for (Geometry geometry : all_geometries) {
    SCOPED_TRACE(name(geometry));
    const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.2);
    for (double epsilon : {1e-2, 1.0}) {
      const auto found = solve_newton(batch, settings_for(epsilon, 1e-18, 5000));
      for (int k = 0; k < 3; ++k) {
        EXPECT_NE(found.status[k], Status::iteration_limit);
        EXPECT_LT(found.iterations[k], 200);
        EXPECT_LT(marginal_error(dense_problem(batch, k, epsilon), found.f[k]), 1e-11);
      }
    }
  }
}

TEST(Newton, never_takes_more_passes_than_allowed) {
  Random random(482);
  for (Geometry geometry : all_geometries) {
    const auto batch = random_batch(random, random_cost(random, geometry), 4, 0.3);
    Rows bad;
    for (int k = 0; k < 4; ++k) bad.push_back(random.uniform_row(batch.cost.n(), -3, 3));
    for (const Rows* start : {static_cast<const Rows*>(nullptr), static_cast<const Rows*>(&bad)})
      for (int limit = 0; limit < 45; ++limit) {
        const auto found = solve_newton(batch, settings_for(2e-3, 1e-9, limit), start);
        for (int k = 0; k < 4; ++k) ASSERT_LE(found.iterations[k], limit) << name(geometry);
      }
  }
}

TEST(Newton, a_good_start_takes_few_passes) {
  Random random(49);
  for (Geometry geometry : all_geometries) {
    SCOPED_TRACE(name(geometry));
    const double epsilon = 2e-3;
    const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.2);
    const auto settings = settings_for(epsilon, 1e-8);
    const auto optimum = solve_newton(batch, settings_for(epsilon, 1e-10));
    const auto again = solve_newton(batch, settings, &optimum.f);
    Rows near = optimum.f;
    for (Row& row : near)
      for (double& x : row) x += random.uniform(-0.3, 0.3) * epsilon;
    const auto from_near = solve_newton(batch, settings, &near);
    const auto from_zeros = solve_newton(batch, settings);
    expect_solved(batch, settings, from_near);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_EQ(again.status[k], Status::converged);
      EXPECT_EQ(again.iterations[k], 0);
      EXPECT_LT(distance_up_to_constant(again.f[k], optimum.f[k]), 1e-12);
      EXPECT_LE(from_near.iterations[k], 12);
      EXPECT_LE(from_near.iterations[k], from_zeros.iterations[k] + 6);
    }
  }
}

TEST(Newton, any_start_converges) {
  Random random(50);
  for (Geometry geometry : all_geometries)
    for (double size : {1.0, 1e3, 1e6, 1e12, 1e200, 1e300}) {
      SCOPED_TRACE(name(geometry) + " " + std::to_string(size));
      const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.2);
      Rows start;
      for (int k = 0; k < 3; ++k) start.push_back(random.uniform_row(batch.cost.n(), -size, size));
      start[1][0] = -infinity;
      std::fill(start[2].begin(), start[2].end(), -infinity);
      const auto settings = settings_for(0.01, 1e-9);
      expect_solved(batch, settings, solve_newton(batch, settings, &start));
    }
}

TEST(Newton, a_start_that_is_not_a_number_ends_as_not_finite) {
  const WithoutTraps quiet;
  Random random(51);
  for (const auto& [n, m] : {std::pair{4, 6}, {6, 4}})
    for (double wrong : {std::numeric_limits<double>::quiet_NaN(), infinity}) {
      HostBatch batch{SeparableCost::dense(n, m, random.uniform_row(n * m, 0, 1))};
      for (int k = 0; k < 3; ++k) batch.add(random.weights(n), random.weights(m));
      Rows start(3, Row(n, 0.0));
      start[1][2] = wrong;
      const auto solution = solve_newton(batch, settings_for(0.05, 1e-8), &start);
      EXPECT_EQ(solution.status[0], Status::converged);
      EXPECT_EQ(solution.status[1], Status::not_finite);
      EXPECT_EQ(solution.status[2], Status::converged);
    }
}

TEST(Newton, empty_batch_and_no_pass_allowed) {
  Random random(52);
  const auto cost = random_cost(random, Geometry::line);
  EXPECT_TRUE(solve_newton(HostBatch{cost}, NewtonSettings()).f.empty());
  const auto batch = random_batch(random, cost, 3, 0.2);
  for (int limit : {0, 1, 2, 3}) {
    const auto solution = solve_newton(batch, settings_for(1e-3, 1e-12, limit));
    for (int k = 0; k < 3; ++k) {
      EXPECT_LE(solution.iterations[k], limit);
      const auto problem = dense_problem(batch, k, 1e-3);
      const bool good = marginal_error(problem, solution.f[k]) < 1e-12;
      EXPECT_EQ(solution.status[k], good ? Status::converged : Status::iteration_limit);
      for (int i = 0; i < problem.n; ++i)
        EXPECT_EQ(std::isfinite(solution.f[k][i]), problem.a[i] > 0) << i;
    }
  }
}

TEST(Newton, results_do_not_depend_on_the_batch) {
  Random random(53);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 9, 0.4);
  const auto settings = settings_for(2e-3, 1e-8);
  const auto together = solve_newton(batch, settings);
  for (int k = 0; k < batch.size(); ++k) {
    const auto alone = solve_newton(batch.subset({k}), settings);
    EXPECT_LT(distance_up_to_constant(alone.f[0], together.f[k]), 1e-9);
    EXPECT_EQ(alone.status[0], together.status[k]);
  }
}

/// Costs in steps that sit at the edge of what is left out: from every target all sources are
/// either equal or farther by the cut, a little more, or a little less.
TEST(Newton, truncation_keeps_its_bound) {
  Random random(54);
  const int n = 40, m = 70;
  const double epsilon = 0.01;
  for (double truncation : {1e-2, 1e-4, 1e-8, 1e-16}) {
    const double cut = epsilon * std::log(n / truncation);
    Row values(n * m);
    for (double& c : values) {
      const double draw = random.uniform();
      c = draw < 0.1 ? random.uniform(0, 1e-9) : cut * (draw < 0.5 ? 1 - 1e-6 : 1 + 1e-6);
    }
    HostBatch batch{SeparableCost::dense(n, m, values)};
    for (int k = 0; k < 4; ++k) batch.add(random.weights(n), random.weights(m));
    auto settings = settings_for(epsilon, 1e-7);
    settings.truncation = truncation;
    const auto cut_off = solve_newton(batch, settings);
    settings.truncation = 1e-16;
    settings.threshold = 1e-10;
    const auto exact = solve_newton(batch, settings);
    const auto value = judge(batch, epsilon, cut_off.f), best = judge(batch, epsilon, exact.f);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_EQ(cut_off.status[k], Status::converged);
      EXPECT_EQ(exact.status[k], Status::converged);
      EXPECT_LT(value.marginal_error[k], 1e-7 + 2 * truncation);
      EXPECT_NEAR(value.dual_value[k], best.dual_value[k],
                  2 * (1e-7 + 2 * truncation) * batch.cost.range() + epsilon * truncation);
    }
  }
}

TEST(Newton, orders_points_as_a_permutation) {
  Random random(55);
  for (Geometry geometry : all_geometries) {
    const auto cost = random_cost(random, geometry);
    for (bool of_sources : {false, true}) {
      auto order = point_order(cost, of_sources);
      std::sort(order.begin(), order.end());
      ASSERT_EQ(static_cast<int>(order.size()), of_sources ? cost.n() : cost.m());
      for (std::size_t at = 0; at < order.size(); ++at) EXPECT_EQ(order[at], static_cast<int>(at));
    }
    const auto matrix = cost_matrix(cost);
    EXPECT_EQ(cost_entry(cost, cost.n() - 1, cost.m() - 1), matrix.back());
  }
}

TEST(Newton, random_sweep) {
  for (std::uint64_t seed = 7000; seed < 7400; ++seed) {
    Random random(seed);
    const Geometry geometry = all_geometries[random.integer(0, 4)];
    const auto cost = random_cost(random, geometry);
    const double zero_share = random.uniform() < 0.5 ? 0 : random.uniform(0, 0.8);
    const auto batch = random_batch(random, cost, random.integer(1, 6), zero_share);
    const auto settings =
        settings_for(std::pow(10, random.uniform(-4, 1)), std::pow(10, random.uniform(-10, -2)));
    Rows start;
    if (random.uniform() < 0.5)
      for (int k = 0; k < batch.size(); ++k)
        start.push_back(random.uniform_row(cost.n(), -0.3, 0.3));
    std::ostringstream text;
    text << "seed " << seed << ": " << name(geometry) << ' ' << cost.n() << " x " << cost.m()
         << ", zero share " << zero_share << ", epsilon " << settings.epsilon << ", threshold "
         << settings.threshold << (start.empty() ? "" : ", random start");
    SCOPED_TRACE(text.str());
    const auto solution = solve_newton(batch, settings, start.empty() ? nullptr : &start);
    expect_solved(batch, settings, solution);
    for (int k = 0; k < batch.size(); ++k) {
      const auto problem = dense_problem(batch, k, settings.epsilon);
      const auto other = solve_reference(problem, Row(problem.n, 0.0), 1e-12, 1, 200);
      const double tolerance = (2 * settings.threshold + 1e-9) * (1 + cost.range());
      EXPECT_GE(dual_value(problem, solution.f[k]), dual_value(problem, other.f) - tolerance);
    }
    if (HasFailure()) break;  // one case is enough to read
  }
}

// --- what is rejected -------------------------------------------------------------------------

TEST(NewtonRejects, settings_and_sizes_out_of_range) {
  const WithoutTraps quiet;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  HostBatch batch{SeparableCost::dense(2, 3, {1, 2, 3, 4, 5, 6})};
  batch.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  EXPECT_NO_THROW(solve_newton(batch, settings_for(1, 1e-3)));
  for (double epsilon : {0.0, -1.0, nan, infinity})
    EXPECT_THROW(solve_newton(batch, settings_for(epsilon, 1e-3)), std::invalid_argument);
  for (double threshold : {0.0, -1.0, nan})
    EXPECT_THROW(solve_newton(batch, settings_for(1, threshold)), std::invalid_argument);
  EXPECT_THROW(solve_newton(batch, settings_for(1, 1e-3, -1)), std::invalid_argument);
  auto settings = settings_for(1, 1e-3);
  for (double truncation : {-1e-3, 0.5, nan}) {
    settings.truncation = truncation;
    EXPECT_THROW(solve_newton(batch, settings), std::invalid_argument);
  }
  const Matrix<double, Space> f("otfleet::test::f", 1, 3);
  const Vector<int, Space> one("otfleet::test::one", 1);
  EXPECT_THROW(
      newton<Space>(Space(), batch.cost, on_device(batch), NewtonSettings(), true, f, one, one),
      std::invalid_argument);
  batch.source_index[0] = 1;
  EXPECT_THROW(solve_newton(batch, settings_for(1, 1e-3)), std::invalid_argument);
}

TEST(NewtonRejects, supports_that_do_not_fit_and_names_their_sizes) {
  Random random(56);
  HostBatch batch{SeparableCost::dense(30, 50, random.uniform_row(1500, 0, 1))};
  batch.add(random.weights(30), random.weights(50));
  auto settings = settings_for(0.1, 1e-3);
  settings.memory_limit = 1000;
  try {
    solve_newton(batch, settings);
    ADD_FAILURE() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("30 and 50"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace otfleet::kernels

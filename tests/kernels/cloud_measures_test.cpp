#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/outputs/barycentric_projection.hpp"
#include "tests/kernels/cloud_measures.hpp"
#include "tests/kernels/traps.hpp"

// Measures with points of their own against the plain reference, problem by problem, and against
// the functions for shared clouds.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Six problems of one to sixty points, some without weight, some that coincide.
HostMeasures mixed_measures(Random& random, const GroundCost& kind, int dimension) {
  HostMeasures batch{kind};
  for (const int n : {7, 1, 33, 18})
    batch.sources.push_back(random_measure(random, kind, n, dimension));
  for (const int m : {60, 1, 12, 5, 29})
    batch.targets.push_back(random_measure(random, kind, m, dimension, 0.4));
  auto& doubled = batch.sources[3].points;
  for (std::size_t i = 3; i < doubled.size(); ++i) doubled[i] = doubled[i % 3];
  batch.targets[4].points[2] = doubled[0];
  for (double& weight : batch.sources[2].weights) weight *= 3;  // masses may differ
  for (const auto& [s, t] : {std::pair{2, 0}, {1, 1}, {0, 3}, {1, 2}, {3, 4}, {2, 3}})
    batch.pair(s, t);
  return batch;
}

/// The largest cost of a problem, at least a little: the scale of roundings.
double size_of(const DenseProblem& problem) {
  return *std::max_element(problem.cost.begin(), problem.cost.end()) + 0.01;
}

TEST(CloudMeasures, iterations_follow_the_plain_reference) {
  Random random(91);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {3e-3, 0.1})
      for (int dimension : {1, 3}) {
        if (dimension == 1 && is<GreatCircleCost>(kind)) continue;  // two points only
        SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
        const auto batch = mixed_measures(random, kind, dimension);
        const auto settings = settings_for(epsilon, 1e-300, 12);
        const auto found = solve<double>(batch, settings, nullptr, 13);
        const auto in_float = solve<float>(batch, settings);
        for (int k = 0; k < batch.size(); ++k) {
          SCOPED_TRACE("problem " + std::to_string(k));
          const auto problem = batch.problem(k, epsilon);
          const auto expected = solve_reference(problem, Row(problem.n, 0.0), 1e-300, 1, 12);
          const double size = size_of(problem);
          EXPECT_LT(distance_up_to_constant(found.f[k], expected.f), 1e-12 * size);
          EXPECT_LT(distance_up_to_constant(in_float.f[k], expected.f), 8e-6 * size);
          const int last = std::min(found.iterations[k], expected.iterations);
          for (int t = 0; t <= last; ++t)
            EXPECT_NEAR(found.errors[k][t], expected.errors[t], 1e-11 * size / epsilon) << t;
        }
      }
}

TEST(CloudMeasures, stop_start_and_accelerate_like_shared_clouds) {
  Random random(92);
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    const auto batch = mixed_measures(random, kind, 3);
    auto settings = settings_for(0.05, 1e-7, 5000);
    const auto plain = solve<double>(batch, settings);
    settings.acceleration = Acceleration::momentum;
    const auto fast = solve<double>(batch, settings);
    Rows start = plain.f;
    for (double& x : start[0]) x = random.uniform(-9, 9);
    start[4].assign(start[4].size(), std::nan(""));
    settings.doubtful_error = 0.25;
    const auto again = solve<double>(batch, settings, &start);
    for (int k = 0; k < batch.size(); ++k) {
      SCOPED_TRACE("problem " + std::to_string(k));
      const auto problem = batch.problem(k, 0.05);
      EXPECT_EQ(plain.status[k], Status::converged);
      EXPECT_EQ(fast.status[k], Status::converged);
      EXPECT_LT(marginal_error(problem, plain.f[k]), 1.001e-7);
      EXPECT_LT(marginal_error(problem, fast.f[k]), 1.001e-7);
      EXPECT_LE(fast.iterations[k], plain.iterations[k]);
      EXPECT_EQ(again.iterations[k], k == 0 || k == 4 ? fast.iterations[k] : 0);
    }
  }
}

TEST(CloudMeasures, certificates_and_semi_dual_match_the_reference) {
  Random random(93);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : {2e-3, 0.05, 10.0}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
      const auto batch = mixed_measures(random, kind, 3);
      Rows noise;
      for (int k = 0; k < batch.size(); ++k)
        noise.push_back(random.uniform_row(batch.problem(k, epsilon).n, -0.3, 0.3));
      for (const Rows& f : {solve<double>(batch, settings_for(epsilon, 1e-4, 50)).f, noise}) {
        const auto judgment = judge(batch, epsilon, f);
        const auto problems = on_device(batch);
        const Vector<double, Space> value("otfleet::test::value", batch.size());
        const auto slope = on_device(flat(f));
        semi_dual<Space>(Space(), problems, epsilon, on_device(flat(f)), value, slope);
        const auto values = on_host(value);
        const auto slopes = split(on_host(slope), problems.source_offsets());
        const Vector<double, Space> transform("otfleet::test::g", problems.target_offsets().back());
        soft_c_transform<Space>(Space(), problems, epsilon, on_device(flat(f)), transform);
        EXPECT_EQ(on_host(transform), flat(judgment.g));
        for (int k = 0; k < batch.size(); ++k) {
          SCOPED_TRACE("problem " + std::to_string(k));
          const auto problem = batch.problem(k, epsilon);
          const double mass = problem.mass(), close = 1e-10 * size_of(problem) * mass;
          EXPECT_NEAR(judgment.marginal_error[k], marginal_error(problem, f[k]), 1e-10);
          EXPECT_NEAR(judgment.dual_value[k], dual_value(problem, f[k]), close);
          EXPECT_NEAR(judgment.transport_cost[k], transport_cost(problem, f[k]), close);
          EXPECT_NEAR(judgment.upper_bound[k], upper_bound(problem, f[k]),
                      30 * close);  // room for rounding
          EXPECT_NEAR(judgment.lower_bound[k], std::max(dual_bound(problem, f[k]), 0.0), close);
          EXPECT_NEAR(values[k], dual_value(problem, f[k]), close);
          const Row g = half_step(problem, f[k]), expected = gradient(problem, f[k]);
          for (int j = 0; j < problem.m; ++j)
            EXPECT_TRUE(judgment.g[k][j] == g[j] || std::abs(judgment.g[k][j] - g[j]) < close) << j;
          for (int i = 0; i < problem.n; ++i) EXPECT_NEAR(slopes[k][i], expected[i], 1e-10 * mass);
        }
      }
    }
}

TEST(CloudMeasures, projections_match_the_reference) {
  Random random(94);
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    const int d = 3;
    const auto batch = mixed_measures(random, kind, d);
    const auto problems = on_device(batch);
    const auto f = solve<double>(batch, settings_for(0.05, 1e-4, 50)).f;
    const auto g = judge(batch, 0.05, f).g;
    const Vector<double, Space> moved("otfleet::test::moved", problems.source_offsets().back() * d);
    const Vector<double, Space> back("otfleet::test::back", problems.target_offsets().back() * d);
    barycentric_projection<Space>(Space(), problems, 0.05, Projection::to_target,
                                  on_device(flat(g)), test::on_device(all_points(batch.targets), d),
                                  moved);
    barycentric_projection<Space>(Space(), problems, 0.05, Projection::to_source,
                                  on_device(flat(f)), test::on_device(all_points(batch.sources), d),
                                  back);
    const auto expect_equal = [&](const Row& found, const Row& expected, std::size_t& at) {
      for (const double x : expected) {
        EXPECT_TRUE(std::isnan(x) ? std::isnan(found[at]) : std::abs(found[at] - x) < 1e-10)
            << at << ": " << found[at] << " for " << x;
        ++at;
      }
    };
    std::size_t at = 0, back_at = 0;
    for (int k = 0; k < batch.size(); ++k) {
      const auto clouds = batch.clouds(k);
      const auto problem = batch.problem(k, 0.05);
      expect_equal(on_host(moved), barycentric_projection(problem, g[k], flat(clouds.y)), at);
      expect_equal(on_host(back), barycentric_projection(transposed(problem), f[k], flat(clouds.x)),
                   back_at);
    }
    EXPECT_THROW(barycentric_projection<Space>(Space(), problems, 0.05, Projection::to_target,
                                               on_device(flat(g)),
                                               test::on_device(all_points(batch.targets), d), back),
                 std::invalid_argument);
  }
}

TEST(CloudMeasures, equal_shared_clouds_where_all_measures_have_the_same_points) {
  Random random(95);
  for (const GroundCost& kind : tested_costs)
    for (double zero_share : {0.0, 0.4}) {
      SCOPED_TRACE(name(kind));
      auto clouds = random_clouds(random, kind, 40, 27, 3);
      add_random_problems(random, clouds, 3, zero_share);
      HostMeasures batch{clouds.cost};
      for (int k = 0; k < clouds.size(); ++k) {
        batch.sources.push_back({clouds.x, clouds.sources[k]});
        batch.targets.push_back({clouds.y, clouds.targets[k]});
        batch.pair(k, k);
      }
      const auto settings = settings_for(0.05, 1e-6, 500);
      const auto own = solve<double>(batch, settings),
                 shared = test::solve<double>(clouds, settings);
      const auto one = judge(batch, 0.05, shared.f), other = test::judge(clouds, 0.05, shared.f);
      EXPECT_EQ(own.iterations, shared.iterations);
      for (int k = 0; k < clouds.size(); ++k) {
        EXPECT_LT(distance_up_to_constant(own.f[k], shared.f[k]), 1e-12);
        EXPECT_NEAR(one.dual_value[k], other.dual_value[k], 1e-13);
        EXPECT_NEAR(one.upper_bound[k], other.upper_bound[k], 1e-12);
        EXPECT_NEAR(one.lower_bound[k], other.lower_bound[k], 1e-12);
      }
    }
}

TEST(CloudMeasures, problems_do_not_depend_on_their_neighbors) {
  Random random(96);
  for (const GroundCost& kind : tested_costs) {
    const auto batch = mixed_measures(random, kind, 3);
    const auto settings = settings_for(0.05, 1e-5, 100);
    const auto together = solve<double>(batch, settings);
    const auto judged = judge(batch, 0.05, together.f);
    for (int k = 0; k < batch.size(); ++k) {
      HostMeasures alone{batch.cost};
      alone.sources = {batch.sources[batch.source_index[k]]};
      alone.targets = {batch.targets[batch.target_index[k]]};
      alone.pair(0, 0);
      EXPECT_EQ(solve<double>(alone, settings).f[0], together.f[k]);
      const auto own = judge(alone, 0.05, {together.f[k]});
      EXPECT_EQ(own.g[0], judged.g[k]);
      EXPECT_EQ(own.upper_bound[0], judged.upper_bound[k]);
      EXPECT_EQ(own.lower_bound[0], judged.lower_bound[k]);
    }
  }
}

TEST(CloudMeasures, pairs_keep_their_digits_however_far_apart_they_lie) {
  Random random(97);
  for (const GroundCost& kind : tested_costs) {
    if (takes_directions(kind)) continue;
    SCOPED_TRACE(name(kind));
    auto near = mixed_measures(random, kind, 3);
    near.source_index = {0, 1, 2, 3};
    near.target_index = {0, 1, 2, 4};
    // Multiples of 2^−30: the offsets round nothing.
    for (auto* side : {&near.sources, &near.targets})
      for (auto& measure : *side)
        for (Row& point : measure.points)
          for (double& c : point) c = std::round(c * 0x1p30) * 0x1p-30;
    auto far = near;
    for (int k = 0; k < far.size(); ++k)
      for (auto* measure : {&far.sources[far.source_index[k]], &far.targets[far.target_index[k]]})
        for (Row& point : measure->points)
          for (double& c : point) c += k * 1e6;
    const auto settings = settings_for(0.05, 1e-300, 10);
    const auto here = solve<float>(near, settings), there = solve<float>(far, settings);
    for (int k = 0; k < near.size(); ++k)
      EXPECT_LT(distance_up_to_constant(here.f[k], there.f[k]), 1e-5) << k;
  }
}

TEST(CloudMeasures, weights_from_1e_minus_300_to_1) {
  Random random(98);
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    auto batch = mixed_measures(random, kind, 3);
    for (auto* side : {&batch.sources, &batch.targets})
      for (auto& measure : *side)
        for (std::size_t i = 1; i < measure.weights.size(); i += 2)
          measure.weights[i] *= std::pow(10.0, -300 * random.uniform());
    const auto found = solve<double>(batch, settings_for(0.05, 1e-8, 5000));
    const auto judgment = judge(batch, 0.05, found.f);
    for (int k = 0; k < batch.size(); ++k) {
      EXPECT_EQ(found.status[k], Status::converged) << k;
      EXPECT_NEAR(judgment.marginal_error[k], marginal_error(batch.problem(k, 0.05), found.f[k]),
                  1e-12);
    }
  }
}

/// The message with which these measures are refused; empty where they are not.
std::string refusal(const Row& weights, const Rows& points, std::vector<std::int64_t> offsets,
                    const GroundCost& kind = EuclideanCost()) {
  try {
    CloudMeasures<Space>(Space(), on_device(weights), test::on_device(points, 1),
                         std::move(offsets), kind);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(CloudMeasures, refuse_what_is_no_measure_by_name) {
  const Row weights = {1, 2, 3};
  const Rows points = {{1}, {-1}, {1}};
  EXPECT_EQ(refusal(weights, points, {0, 1, 3}), "");
  EXPECT_EQ(refusal({}, {}, {0}), "");
  EXPECT_NE(refusal(weights, points, {}).find("begin with 0"), std::string::npos);
  EXPECT_NE(refusal(weights, points, {1, 3}).find("begin with 0"), std::string::npos);
  EXPECT_NE(refusal(weights, points, {0, 2, 2, 3}).find("measure 1 has no points"),
            std::string::npos);
  EXPECT_NE(refusal(weights, points, {0, 2, 1, 3}).find("measure 1 has no points"),
            std::string::npos);
  EXPECT_NE(refusal(weights, points, {0, 2}).find("end with 2, but there are 3 points"),
            std::string::npos);
  EXPECT_NE(refusal({1, 2}, points, {0, 3}).find("2 weights"), std::string::npos);
  EXPECT_NE(refusal({1, -2, 3}, points, {0, 1, 3}).find("measure 1 has a negative"),
            std::string::npos);
  EXPECT_NE(refusal({0, 2, 3}, points, {0, 1, 3}).find("measure 0"), std::string::npos);
  for (const GroundCost& kind : tested_costs)
    EXPECT_NE(
        refusal(weights, {{1}, {-1}, {std::nan("")}}, {0, 1, 3}, kind).find("measure 1: point 1"),
        std::string::npos);
  EXPECT_NE(refusal(weights, {{1}, {0}, {1}}, {0, 1, 3}, CosineCost()).find("measure 1: point 0"),
            std::string::npos);
}

TEST(CloudMeasures, sizes_and_arguments) {
  Random random(99);
  HostMeasures batch = mixed_measures(random, EuclideanCost(), 2);
  const auto settings = settings_for(0.1, 1e-3, 5);
  HostMeasures nothing = batch;
  nothing.source_index = nothing.target_index = {};
  EXPECT_TRUE(solve<double>(nothing, settings).f.empty());
  EXPECT_TRUE(judge(nothing, 0.1, {}).g.empty());
  EXPECT_THROW(solve<double>(batch, settings_for(0, 1e-3, 5)), std::invalid_argument);
  EXPECT_THROW(solve<double>(batch, settings_for(0.1, 0, 5)), std::invalid_argument);
  const auto problems = on_device(batch);
  const Vector<int, Space> counts("otfleet::test::counts", batch.size());
  const Vector<double, Space> shorter("otfleet::test::f", problems.source_offsets().back() - 1);
  EXPECT_THROW(sinkhorn<double>(Space(), problems, settings, true, shorter, counts, counts),
               std::invalid_argument);
  auto wrong = batch;
  wrong.target_index[3] = 5;
  EXPECT_THROW(judge(wrong, 0.1, {}), std::invalid_argument);
  auto other = on_device(batch);
  other.target = on_device(HostMeasures{PowerCost(1.5)}, batch.targets);
  const Vector<double, Space> f("otfleet::test::f", problems.source_offsets().back());
  EXPECT_THROW(sinkhorn<double>(Space(), other, settings, true, f, counts, counts),
               std::invalid_argument);
  // Distances of 1e20 have no square in float.
  batch.sources[2].points[0][0] = 1e20;
  try {
    solve<float>(batch, settings_for(1e18, 1e-3, 5));
    ADD_FAILURE() << "nothing was refused";
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()).find("problem 0: costs"), 0u) << error.what();
  }
  EXPECT_NO_THROW(solve<double>(batch, settings_for(1e18, 1e-3, 5)));
}

}  // namespace
}  // namespace otfleet::kernels

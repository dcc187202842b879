#include <gtest/gtest.h>

#include <cmath>

#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/sparse_plan.hpp"
#include "tests/kernels/cloud_measures.hpp"
#include "tests/kernels/unbalanced_reference.hpp"

// Weights times a number: the same solution, figures times the number.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Exact in binary or not, from the smallest numbers to the largest.
constexpr double factors[] = {1e-6, 1e-300, 1e300, 0x1p-1000, 0x1p1000};

bool is_power_of_two(double factor) {
  int exponent = 0;
  return std::frexp(factor, &exponent) == 0.5;
}

HostBatch times(HostBatch batch, double factor) {
  for (Rows* rows : {&batch.sources, &batch.targets})
    for (Row& row : *rows) row = scaled(row, factor);
  return batch;
}
HostClouds times(HostClouds clouds, double factor) {
  for (Rows* rows : {&clouds.sources, &clouds.targets})
    for (Row& row : *rows) row = scaled(row, factor);
  return clouds;
}
HostMeasures times(HostMeasures batch, double factor) {
  for (auto* measures : {&batch.sources, &batch.targets})
    for (HostMeasure& measure : *measures) measure.weights = scaled(measure.weights, factor);
  return batch;
}

/// `x` times the factor, exactly where a power of two allows it.
void expect_times(const Row& heavy, const Row& x, double factor, double close) {
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (is_power_of_two(factor)) {
      EXPECT_EQ(heavy[k], x[k] * factor) << k;
    }
    EXPECT_NEAR(heavy[k] / factor, x[k], close) << k;
  }
}

void expect_same_solution(const Solution& found, const Solution& expected, double factor,
                          double close) {
  EXPECT_EQ(found.iterations, expected.iterations);
  EXPECT_EQ(found.status, expected.status);
  if (is_power_of_two(factor)) {
    EXPECT_EQ(found.f, expected.f);
  }
  for (std::size_t k = 0; k < expected.f.size(); ++k)
    EXPECT_LT(distance_up_to_constant(found.f[k], expected.f[k]), close);
}

void expect_scaled_figures(const Judgment& found, const Judgment& expected, double factor,
                           double epsilon, const Row& masses) {
  const double close = 1e-12;
  expect_times(found.transport_cost, expected.transport_cost, factor, close);
  expect_times(found.upper_bound, expected.upper_bound, factor, close);
  expect_times(found.lower_bound, expected.lower_bound, factor, close);
  for (std::size_t k = 0; k < masses.size(); ++k) {
    EXPECT_NEAR(found.marginal_error[k], expected.marginal_error[k], close);
    const double shift = epsilon * std::log(factor);
    EXPECT_NEAR(found.dual_value[k] / factor, expected.dual_value[k] + shift * masses[k],
                close * (1 + std::abs(shift)));
    for (std::size_t j = 0; j < expected.g[k].size(); ++j)
      if (std::isfinite(expected.g[k][j])) {
        EXPECT_NEAR(found.g[k][j], expected.g[k][j] + shift, close * (1 + std::abs(shift)));
      }
  }
}

template <class Scalar, class Batch>
void expect_scales(const Batch& batch, const Row& masses) {
  for (const double epsilon : {1e-3, 0.1}) {
    auto settings = test::settings_for(epsilon, 1e-4, 3000);
    settings.acceleration = Acceleration::momentum;
    const auto expected = solve<Scalar>(batch, settings);
    const auto judged = judge(batch, epsilon, expected.f);
    for (const double factor : factors) {
      SCOPED_TRACE("times " + std::to_string(std::log10(factor)) + " digits");
      const auto heavy = times(batch, factor);
      const auto found = solve<Scalar>(heavy, settings);
      expect_same_solution(found, expected, factor, sizeof(Scalar) == 4 ? 1e-5 : 1e-12);
      // The same potentials: what the judge does with the mass, not what the solver does.
      expect_scaled_figures(judge(heavy, epsilon, expected.f), judged, factor, epsilon, masses);
    }
  }
}

TEST(MassScale, grids_and_dense_costs) {
  Random random(801);
  for (Geometry geometry : all_geometries) {
    SCOPED_TRACE(name(geometry));
    auto batch = random_batch(random, random_cost(random, geometry), 4, 0.3);
    batch.sources[1] = scaled(batch.sources[1], 1e-3);  // masses may differ within a batch
    batch.targets[2] = scaled(batch.targets[2], 5);
    expect_scales<double>(batch, {1, 1e-3, 1, 1});
    expect_scales<float>(batch, {1, 1e-3, 1, 1});
  }
}

TEST(MassScale, clouds_on_shared_points) {
  Random random(802);
  for (const GroundCost& kind : tested_costs) {
    auto clouds = random_clouds(random, kind, 30, 25, 3);
    add_random_problems(random, clouds, 2, 0.2);
    expect_scales<double>(clouds, {1, 1});
    expect_scales<float>(clouds, {1, 1});
  }
}

TEST(MassScale, clouds_of_their_own_points_small_and_large) {
  Random random(803);
  HostMeasures batch;
  for (const int points : {9, 40, 140})
    for (auto* side : {&batch.sources, &batch.targets})
      side->push_back(random_measure(random, batch.cost, points, 2, 0.2));
  for (int k = 0; k < 3; ++k) batch.pair(k, k);
  batch.sources[1].weights = scaled(batch.sources[1].weights, 300);
  expect_scales<double>(batch, {1, 300, 1});
  expect_scales<float>(batch, {1, 300, 1});
}

TEST(MassScale, newton) {
  Random random(804);
  for (Geometry geometry : all_geometries) {
    const auto batch = random_batch(random, random_cost(random, geometry), 3, 0.2);
    NewtonSettings settings;
    settings.threshold = 1e-6;
    const auto expected = solve_newton(batch, settings);
    for (const double factor : factors)
      expect_same_solution(solve_newton(times(batch, factor), settings), expected, factor, 1e-9);
  }
}

TEST(MassScale, semi_duals_and_their_gradients) {
  Random random(805);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 3, 0.2);
  auto clouds = random_clouds(random, EuclideanCost(), 20, 30, 2);
  add_random_problems(random, clouds, 2, 0.2);
  const auto check = [&](const auto& problems, int points) {
    Rows f;
    for (int k = 0; k < problems.size(); ++k) f.push_back(random.uniform_row(points, -1, 1));
    const auto expected = evaluate_semi_dual(problems, 0.05, f);
    for (const double factor : factors) {
      const auto found = evaluate_semi_dual(times(problems, factor), 0.05, f);
      for (int k = 0; k < problems.size(); ++k) {
        EXPECT_NEAR(found.value[k] / factor, expected.value[k] + 0.05 * std::log(factor), 1e-11);
        expect_times(found.gradient[k], expected.gradient[k], factor, 1e-12);
      }
    }
  };
  check(batch, batch.cost.n());
  check(clouds, 20);
}

TEST(MassScale, entries_of_plans) {
  Random random(806);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 2, 0.3);
  const auto f = solve<double>(batch, test::settings_for(0.05, 1e-6, 1000)).f;
  const auto plan_of = [&](const HostBatch& problems) {
    const auto g = judge(problems, 0.05, f).g;
    return sparse_plan<Space>(Space(), batch.cost, on_device(problems), 0.05,
                              on_device(f, batch.cost.n()), on_device(g, batch.cost.m()),
                              {EntrySelection::Rule::top_k, 4, 0});
  };
  const auto expected = plan_of(batch);
  for (const double factor : factors) {
    const auto found = plan_of(times(batch, factor));
    const Row heavy = test::on_host(found.values), values = test::on_host(expected.values);
    ASSERT_EQ(heavy.size(), values.size());
    for (std::size_t at = 0; at < values.size(); ++at)
      EXPECT_NEAR(heavy[at] / factor, values[at], 1e-12);
    const Row kept = test::on_host(found.kept_mass),
              kept_before = test::on_host(expected.kept_mass);
    for (std::size_t k = 0; k < kept.size(); ++k) EXPECT_NEAR(kept[k], kept_before[k], 1e-12);
  }
}

/// The objective's prior is a b': with all weights times s, costs plus epsilon log s give the plan
/// times s.
TEST(MassScale, unbalanced_thresholds_are_shares_of_what_is_transported) {
  Random random(807);
  for (Geometry geometry : {Geometry::plane, Geometry::dense}) {
    const HostBatch batch = random_masses(random, positive_cost(random, geometry), 3, 0.2);
    for (const double factor : {1e-6, 1e-300, 1e100}) {
      const double epsilon = 0.05, shift = epsilon * std::log(factor);
      HostBatch heavy = times(batch, factor);
      std::vector<AxisCost> axes = heavy.cost.axes();
      for (double& c : axes[0].values) c += shift;
      heavy.cost = SeparableCost(axes);
      auto settings = tight(epsilon, 0.8, 0.6);
      settings.threshold = 1e-9;
      const auto expected = solve_unbalanced(batch, settings);
      const auto found = solve_unbalanced(heavy, settings);
      for (int k = 0; k < batch.size(); ++k) {
        EXPECT_EQ(found.status[k], Status::converged);
        EXPECT_GT(found.iterations[k], 0);
        EXPECT_NEAR(found.transported_mass[k] / factor, expected.transported_mass[k], 1e-8);
      }
    }
  }
}

TEST(MassScale, a_share_of_any_mass) {
  Random random(808);
  const HostBatch batch = random_masses(random, positive_cost(random, Geometry::plane), 3, 0.2);
  auto settings = tight_share(0.05, 0.4);
  settings.threshold = 1e-6;
  const auto expected = solve_unbalanced(batch, settings);
  for (const double factor : {1e-6, 1e-300, 1e100}) {
    const auto found = solve_unbalanced(times(batch, factor), settings);
    EXPECT_EQ(found.status, expected.status);
    expect_times(found.transported_mass, expected.transported_mass, factor, 1e-9);
    expect_times(found.transport_cost, expected.transport_cost, factor, 1e-9);
  }
}

TEST(MassScale, masses_whose_product_is_no_number_are_refused_by_unbalanced_problems) {
  HostBatch batch{SeparableCost::dense(1, 1, {0.7})};
  batch.add({1e200}, {1e200});
  EXPECT_THROW(solve_unbalanced(batch, tight(0.1, 0.5, 0.5)), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels

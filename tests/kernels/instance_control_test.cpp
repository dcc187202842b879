#include "kernels/solvers/instance_control.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/kernels/cloud_measures.hpp"
#include "tests/kernels/unbalanced_reference.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// After how many iterations an instance with these errors stops, and why.
struct End {
  int iterations;
  Status why;
};
End run(const StopRule& rule, const std::function<double(int)>& error) {
  InstanceControl control;
  for (;; ++control.iteration) {
    const auto decision = control.test(rule, error(control.iteration));
    if (decision.stops) return {control.iteration, decision.why};
  }
}

TEST(InstanceControl, stops_where_the_error_is_small_at_a_look) {
  const auto halves = [](int t) { return std::pow(0.5, t); };
  EXPECT_EQ(run({1e-3}, halves).iterations, 10);
  EXPECT_EQ(run({1e-3}, halves).why, Status::converged);
  EXPECT_EQ(run({1e-3, 7}, halves).iterations, 14);
  EXPECT_EQ(run({1e-3, 7, 12}, halves).iterations, 12);
  EXPECT_EQ(run({1e-3, 7, 12}, halves).why, Status::converged);
  EXPECT_EQ(run({1e-3, 1, 5}, halves).iterations, 5);
  EXPECT_EQ(run({1e-3, 1, 5}, halves).why, Status::iteration_limit);
  EXPECT_EQ(run({1e-3, 1, 0}, halves).iterations, 0);
}

TEST(InstanceControl, an_error_of_rounding_that_no_longer_falls_has_stalled) {
  StopRule rule{1e-9, 1, 10000, 1e-5};
  const auto stays_at = [](double floor) {
    return [=](int t) { return std::max(floor, std::pow(0.5, t)) * (1 + 1e-4 * (t % 7)); };
  };
  const End stalled = run(rule, stays_at(1e-6));
  EXPECT_EQ(stalled.why, Status::precision_limit);
  EXPECT_GE(stalled.iterations, rule.patience);
  EXPECT_LT(stalled.iterations, 20 + 2 * rule.patience);
  // A plateau above rounding is mass on its way.
  EXPECT_EQ(run(rule, stays_at(1e-4)).why, Status::iteration_limit);
  rule.patience = 100000;
  EXPECT_EQ(run(rule, stays_at(1e-6)).why, Status::iteration_limit);
}

TEST(InstanceControl, slow_progress_below_rounding_is_progress) {
  const End end = run({1e-9, 1, 100000, 1e-5},
                      [](int t) { return 1e-6 * std::pow(1 - 1e-3, t) * (1 + 1e-5 * (t % 3)); });
  EXPECT_EQ(end.why, Status::converged);
}

TEST(InstanceControl, what_is_not_a_number_ends_at_once) {
  EXPECT_EQ(run({1e-3}, [](int t) { return t < 3 ? 1.0 : std::nan(""); }).iterations, 3);
  EXPECT_EQ(run({1e-3}, [](int) { return INFINITY; }).why, Status::not_finite);
}

TEST(InstanceControl, takes_the_better_of_two_doubtful_starts) {
  for (const double zeros : {0.1, 0.9}) {
    InstanceControl control;
    control.start = InstanceControl::Start::given;
    bool replaced = false;
    EXPECT_TRUE(control.tries_other_start(0.5, 0.25, replaced));
    EXPECT_EQ(control.start, InstanceControl::Start::zeros_instead);
    EXPECT_EQ(control.tries_other_start(zeros, 0.25, replaced), zeros > 0.5);
    EXPECT_EQ(replaced, zeros < 0.5);
    EXPECT_FALSE(zeros > 0.5 && control.tries_other_start(0.5, 0.25, replaced));
    EXPECT_EQ(control.start, InstanceControl::Start::settled);
  }
}

TEST(FinalStatus, is_decided_by_the_true_error_and_nan) {
  for (const Status why :
       {Status::converged, Status::iteration_limit, Status::precision_limit, Status::not_finite}) {
    EXPECT_EQ(final_status(why, 1e-3, 1e-3, true), Status::converged);
    EXPECT_EQ(final_status(why, 1e-9, 1e-3, false), Status::not_finite);
    EXPECT_EQ(final_status(why, std::nan(""), 1e-3, false), Status::not_finite);
    EXPECT_EQ(final_status(why, 2e-3, 1e-3, true),
              why == Status::converged ? Status::precision_limit : why);
  }
}

// --- every solver recognizes that it no longer moves ------------------------------------------

constexpr int limit = 20000;

void expect_stalls(const Solution& found, int most) {
  for (std::size_t k = 0; k < found.status.size(); ++k) {
    EXPECT_NE(found.status[k], Status::iteration_limit) << k;
    EXPECT_LT(found.iterations[k], most) << k;
  }
}

SinkhornSettings never(double epsilon, Acceleration acceleration, int inner_iterations) {
  SinkhornSettings settings = test::settings_for(epsilon, 1e-18, limit);
  settings.acceleration = acceleration;
  settings.inner_iterations = inner_iterations;
  return settings;
}

template <class Scalar, class Batch>
void expect_all_stall(const Batch& batch, double epsilon, int most, const Rows* start = nullptr) {
  for (const Acceleration acceleration : {Acceleration::none, Acceleration::momentum})
    for (const int inner : {1, 7}) {
      auto settings = never(epsilon, acceleration, inner);
      if (start) settings.doubtful_error = 0.1;
      expect_stalls(solve<Scalar>(batch, settings, start), most);
    }
}

TEST(Stalls, on_grids_and_dense_costs_on_both_paths) {
  Random random(701);
  for (Geometry geometry : all_geometries) {
    SCOPED_TRACE(name(geometry));
    const auto batch = random_batch(random, random_cost(random, geometry), 5, 0.2);
    expect_all_stall<float>(batch, 0.5, 200);
    expect_all_stall<double>(batch, 0.5, 300);
    auto settings = never(0.5, Acceleration::momentum, 1);
    settings.path = Path::extended;
    expect_stalls(solve<float>(batch, settings), 200);
    Rows bad;
    for (int k = 0; k < batch.size(); ++k)
      bad.push_back(random.uniform_row(batch.cost.n(), -20, 20));
    expect_all_stall<float>(batch, 0.5, 200, &bad);
  }
}

/// Two clouds of 50 points that are equal, and a pair that is not.
HostMeasures clouds_of(Random& random, int points) {
  HostMeasures batch;
  for (int s = 0; s < 2; ++s) {
    batch.sources.push_back(random_measure(random, batch.cost, points, 2));
    batch.sources.back().weights.assign(points, 1.0 / points);
  }
  batch.targets = batch.sources;
  batch.pair(0, 0);
  batch.pair(0, 1);
  return batch;
}

TEST(Stalls, equal_clouds_in_float_are_exact_after_tens_of_iterations) {
  Random random(702);
  for (const int points : {50, 150}) {  // many at a time, one after the other
    auto batch = clouds_of(random, points);
    batch.target_index = batch.source_index = {0};
    for (const Acceleration acceleration : {Acceleration::none, Acceleration::momentum}) {
      auto settings = test::settings_for(1e-5, 1e-6, limit);
      settings.acceleration = acceleration;
      const auto found = solve<float>(batch, settings);
      EXPECT_LT(found.iterations[0], 100);
      const double error = judge(batch, 1e-5, found.f).marginal_error[0];
      EXPECT_EQ(final_status(found.status[0], error, 1e-4, true), Status::converged) << error;
    }
  }
}

TEST(Stalls, on_clouds_of_any_size) {
  Random random(703);
  for (const int points : {40, 150}) {
    const auto batch = clouds_of(random, points);
    for (const double epsilon : {1.0, 0.3}) {
      expect_all_stall<float>(batch, epsilon, 300);
      expect_all_stall<double>(batch, epsilon, 500);
    }
    Rows bad;
    for (int k = 0; k < batch.size(); ++k) bad.push_back(random.uniform_row(points, -20, 20));
    expect_all_stall<float>(batch, 0.5, 200, &bad);
    const auto shared = batch.clouds(1);
    expect_all_stall<float>(shared, 0.5, 200);
  }
}

TEST(Stalls, where_marginals_need_not_be_exact) {
  Random random(704);
  const HostBatch batch = random_masses(random, positive_cost(random, Geometry::plane), 4, 0.2);
  for (const double epsilon : {0.05, 1.0}) {
    std::vector<UnbalancedSettings> all = {tight(epsilon, 0.9, 0.5), tight(epsilon, 1, 0.7),
                                           tight(epsilon, 0.1, 0.3), tight_share(epsilon, 0.4)};
    for (auto& settings : all) {
      settings.threshold = 1e-18;
      settings.max_iterations = limit;
      settings.inner_iterations = epsilon < 1 ? 1 : 3;
      const auto found = solve_unbalanced(batch, settings);
      for (int k = 0; k < batch.size(); ++k) {
        EXPECT_NE(found.status[k], Status::iteration_limit);
        EXPECT_LT(found.iterations[k], 500);
        EXPECT_LT(found.residual[k], 1e-13);
      }
    }
  }
}

}  // namespace
}  // namespace otfleet::kernels

#include "kernels/api/problems.hpp"

#include <gtest/gtest.h>

#include "kernels/api/outputs.hpp"
#include "kernels/api/solvers.hpp"
#include "kernels/problems/status.hpp"
#include "tests/kernels/three_geometries.hpp"

// The same problems on every geometry that plain arrays know: their answers agree.

namespace otfleet::kernels::test {
namespace {

constexpr double epsilon = 0.05;

struct Answer {
  Problems problems;
  Row f, g, dual, cost, upper, lower, error, projection;
};

Answer answer(const Problems& problems) {
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-9;
  settings.max_iterations = 20000;
  settings.acceleration = Acceleration::momentum;
  const DeviceArray<double> f("otfleet::test::f", entries(problems.source_offsets()));
  const DeviceArray<double> g("otfleet::test::g", entries(problems.target_offsets()));
  const Progress progress(problems.size());
  solve_sinkhorn(problems, settings, Arithmetic::in_double, true, f, progress);
  for (const int status : progress.status.download())
    EXPECT_EQ(status, static_cast<int>(Status::converged));
  const CertificateResult found(problems.size());
  certify(problems, epsilon, f, g, found);
  const DeviceArray<double> projection("otfleet::test::projection", 2 * f.size());
  barycentric_projection(problems, epsilon, Projection::to_target, g, projection);
  return {problems,
          f.download(),
          g.download(),
          found.dual_value.download(),
          found.transport_cost.download(),
          found.upper_bound.download(),
          found.lower_bound.download(),
          found.marginal_error.download(),
          projection.download()};
}

const std::vector<std::int32_t> sources = {0, 3, 2, 2, 5}, targets = {1, 0, 2, 4, 5};

TEST(Problems, GeometriesAgree) {
  Random random(3);
  const ThreeGeometries measures(random, 6);
  const auto clouds = answer(measures.clouds().between(sources, targets));
  EXPECT_TRUE(clouds.problems.has_clouds());
  EXPECT_EQ(clouds.problems.table(), nullptr);
  for (const bool stored : {false, true}) {
    const auto all = stored ? measures.table() : measures.shared();
    EXPECT_EQ(all.table() != nullptr, stored);
    const auto shared = answer(all.between(sources, targets));
    EXPECT_FALSE(shared.problems.has_clouds());
    EXPECT_EQ(entries(shared.problems.source_offsets()), 5u * measures.total);
    for (std::size_t k = 0; k < sources.size(); ++k) {
      EXPECT_NEAR(clouds.dual[k], shared.dual[k], 1e-9);
      EXPECT_NEAR(clouds.cost[k], shared.cost[k], 1e-8);
      EXPECT_NEAR(clouds.upper[k], shared.upper[k], 1e-8);
      EXPECT_NEAR(clouds.lower[k], shared.lower[k], 1e-8);
      EXPECT_LT(clouds.error[k], 1e-9);
      // A point of the cloud lies among all points where its measure's points lie.
      const auto own = clouds.problems.source_offsets();
      for (auto i = own[k]; i < own[k + 1]; ++i) {
        const auto among = static_cast<std::size_t>(
            static_cast<std::int64_t>(k) * measures.total +
            measures.offsets[static_cast<std::size_t>(sources[k])] + i - own[k]);
        for (std::size_t c = 0; c < 2; ++c)
          EXPECT_NEAR(clouds.projection[2 * static_cast<std::size_t>(i) + c],
                      shared.projection[2 * among + c], 1e-7);
      }
    }
  }
}

TEST(Problems, SelectedProblemsAreTheSame) {
  Random random(4);
  const ThreeGeometries measures(random, 6);
  const std::vector<std::int32_t> which = {4, 1};
  for (const auto& all : {measures.clouds(), measures.shared(), measures.table()}) {
    const auto whole = answer(all.between(sources, targets));
    const auto some = answer(whole.problems.select(which));
    const auto offsets = whole.problems.source_offsets();
    const DeviceArray<double> gathered("otfleet::test::some", some.f.size());
    const auto device = otfleet::upload<double>("otfleet::test::all", whole.f);
    gather_problems(offsets, which, device, gathered);
    EXPECT_EQ(gathered.download(), some.f);
    device.fill(7);
    scatter_problems(offsets, which, gathered, device);
    const auto back = device.download();
    for (std::size_t k = 0; k < sources.size(); ++k)
      for (auto i = offsets[k]; i < offsets[k + 1]; ++i)
        EXPECT_EQ(back[static_cast<std::size_t>(i)],
                  k == 1 || k == 4 ? whole.f[static_cast<std::size_t>(i)] : 7);
  }
}

TEST(Problems, NewtonAndUnbalancedReachTheSamePlan) {
  Random random(5);
  const ThreeGeometries measures(random, 6);
  const auto problems = measures.table().between(sources, targets);
  const auto expected = answer(problems);
  const DeviceArray<double> f("otfleet::test::f", expected.f.size());
  const Progress progress(problems.size());
  NewtonSettings newton;
  newton.epsilon = epsilon;
  newton.threshold = 1e-9;
  solve_newton(problems, newton, true, f, progress);
  const CertificateResult found(problems.size());
  certify(problems, epsilon, f, {}, found);
  const auto dual = found.dual_value.download();
  UnbalancedSettings exact;
  exact.epsilon = epsilon;
  exact.threshold = 1e-9;
  exact.max_iterations = 20000;
  const UnbalancedResult result(problems.size(), expected.f.size(), expected.g.size());
  solve_unbalanced(problems, exact, result);
  const auto cost = result.transport_cost.download();  // values differ by the entropies
  for (std::size_t k = 0; k < sources.size(); ++k) {
    EXPECT_NEAR(dual[k], expected.dual[k], 1e-8);
    EXPECT_NEAR(cost[k], expected.cost[k], 1e-7);
  }
}

TEST(Problems, WhatAGeometryCannotIsRefusedWithTheReason) {
  Random random(6);
  const ThreeGeometries measures(random, 6);
  const auto clouds = measures.clouds().between(sources, targets);
  const auto shared = measures.shared().between(sources, targets);
  const DeviceArray<double> f("otfleet::test::f", entries(clouds.source_offsets()));
  const DeviceArray<double> wide("otfleet::test::f", entries(shared.source_offsets()));
  const Progress progress(5);
  const auto message = [](const auto& work) -> std::string {
    try {
      work();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing is thrown";
  };
  EXPECT_NE(message([&] { solve_newton(shared, {}, true, wide, progress); }).find("stored"),
            std::string::npos);
  EXPECT_NE(message([&] { solve_newton(clouds, {}, true, f, progress); }).find("stored"),
            std::string::npos);
  EXPECT_NE(message([&] { measures.clouds().between(sources, {}); }).find("as many source"),
            std::string::npos);
  EXPECT_NE(message([&] {
              solve_sinkhorn(shared, {}, Arithmetic::in_double, true, f, progress);
            }).find("f has"),
            std::string::npos);
  EXPECT_NE(message([&] {
              Problems::between_clouds(SquaredEuclideanCost(), 3,
                                       {measures.weights, measures.points, measures.offsets}, {});
            }).find("measure"),
            std::string::npos);
}

}  // namespace
}  // namespace otfleet::kernels::test

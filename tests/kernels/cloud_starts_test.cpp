#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/api/initializers.hpp"
#include "kernels/problems/status.hpp"
#include "tests/kernels/three_geometries.hpp"

// Starts where every measure has points of its own: those of the same measures on common points,
// whatever the batch, and worth it.

namespace otfleet::kernels::test {
namespace {

using Start = std::function<void(const Problems&, const DeviceArray<double>&)>;
struct NamedStart {
  const char* name;
  Start start;
};

std::vector<NamedStart> all_starts(double epsilon) {
  return {
      {"gaussian", [](const auto& problems, const auto& f) { gaussian_initializer(problems, f); }},
      {"gaussian_mixture",
       [=](const auto& problems, const auto& f) {
         gaussian_mixture_initializer(problems, epsilon, f);
       }},
      {"sorting",
       [=](const auto& problems, const auto& f) { sorting_initializer(problems, 2, epsilon, f); }},
      {"subsample",
       [=](const auto& problems, const auto& f) { subsample_initializer(problems, epsilon, f); }},
      {"previous_epsilon",
       [=](const auto& problems, const auto& f) {
         previous_epsilon_initializer(problems, epsilon, Arithmetic::in_double, f);
       }},
  };
}

Row start_of(const NamedStart& one, const Problems& problems) {
  const DeviceArray<double> f("otfleet::test::f", entries(problems.source_offsets()));
  f.fill(-7);
  one.start(problems, f);
  return f.download();
}

const std::vector<std::int32_t> sources = {0, 3, 2, 2, 5}, targets = {1, 0, 2, 4, 5};

TEST(CloudStarts, ClosedFormsAreThoseOfTheSameMeasuresOnCommonPoints) {
  Random random(11);
  for (const int dimension : {1, 2, 3, 5}) {
    const ThreeGeometries measures(random, 6, 1, 40, dimension);
    const auto clouds = measures.clouds().between(sources, targets);
    const auto shared = measures.shared().between(sources, targets);
    const auto own = clouds.source_offsets();
    for (const auto& one : all_starts(0.02)) {
      const std::string name = one.name;
      if (name == "subsample" || name == "previous_epsilon") continue;  // see all points
      if (name == "sorting" && dimension > 1) continue;
      if (name == "gaussian_mixture" && dimension > 3) continue;
      SCOPED_TRACE(name);
      const Row f = start_of(one, clouds), among = start_of(one, shared);
      for (std::size_t k = 0; k < sources.size(); ++k)
        for (auto i = own[k]; i < own[k + 1]; ++i) {
          const auto at = static_cast<std::size_t>(
              static_cast<std::int64_t>(k) * measures.total +
              measures.offsets[static_cast<std::size_t>(sources[k])] + i - own[k]);
          EXPECT_NEAR(f[static_cast<std::size_t>(i)], among[at], 1e-9) << "problem " << k;
        }
    }
  }
}

TEST(CloudStarts, DoNotDependOnTheBatch) {
  Random random(12);
  const ThreeGeometries measures(random, 6, 1, 60, 1);
  const auto problems = measures.clouds().between(sources, targets);
  const auto offsets = problems.source_offsets();
  for (const auto& one : all_starts(1e-4)) {
    SCOPED_TRACE(one.name);
    const Row whole = start_of(one, problems);
    for (std::int32_t k = 0; k < 5; ++k) {
      const Row alone = start_of(one, problems.select(std::vector<std::int32_t>{k}));
      const auto at = static_cast<std::size_t>(k);
      EXPECT_EQ(alone, Row(whole.begin() + offsets[at], whole.begin() + offsets[at + 1]));
    }
  }
}

int iterations_from(const Problems& problems, double epsilon, const NamedStart* one) {
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-3;
  settings.max_iterations = 100000;
  const DeviceArray<double> f("otfleet::test::f", entries(problems.source_offsets()));
  if (one != nullptr) one->start(problems, f);
  const Progress progress(problems.size());
  solve_sinkhorn(problems, settings, Arithmetic::in_double, one == nullptr, f, progress);
  for (const int status : progress.status.download())
    EXPECT_EQ(status, static_cast<int>(Status::converged));
  const auto made = progress.iterations.download();
  return std::accumulate(made.begin(), made.end(), 0);
}

TEST(CloudStarts, SaveIterations) {
  Random random(13);
  const ThreeGeometries measures(random, 6, 150, 200, 1);
  const auto problems = measures.clouds().between(sources, targets);
  constexpr double epsilon = 1e-3;
  const int from_zeros = iterations_from(problems, epsilon, nullptr);
  for (const auto& one : all_starts(epsilon)) {
    SCOPED_TRACE(one.name);
    EXPECT_LT(iterations_from(problems, epsilon, &one), from_zeros);
  }
}

TEST(CloudStarts, LargeEpsilonHasNoStages) {
  Random random(14);
  const ThreeGeometries measures(random, 6);
  const auto problems = measures.clouds().between(sources, targets);
  const Row f = start_of(all_starts(100)[4], problems);
  const auto offsets = problems.source_offsets();
  for (std::size_t k = 0; k < sources.size(); ++k)
    for (auto i = offsets[k]; i < offsets[k + 1]; ++i) {
      const auto row = measures.offsets[static_cast<std::size_t>(sources[k])] + i - offsets[k];
      EXPECT_NEAR(f[static_cast<std::size_t>(i)],
                  100 * std::log(measures.weights[static_cast<std::size_t>(row)]), 1e-9);
    }
}

TEST(CloudStarts, RefuseWhatTheyCannotStart) {
  Random random(15);
  const ThreeGeometries plane(random, 6), space(random, 6, 1, 5, 65);
  const auto f = [](const Problems& problems) {
    return DeviceArray<double>("otfleet::test::f", entries(problems.source_offsets()));
  };
  const auto wide = space.clouds().between(sources, targets);
  const auto flat = plane.clouds().between(sources, targets);
  EXPECT_THROW(gaussian_initializer(wide, f(wide)), std::invalid_argument);
  EXPECT_THROW(gaussian_mixture_initializer(wide, 0.1, f(wide)), std::invalid_argument);
  EXPECT_THROW(sorting_initializer(flat, 2, 0.1, f(flat)), std::invalid_argument);
  EXPECT_THROW(sorting_initializer(flat, 0.5, 0.1, f(flat)), std::invalid_argument);
  EXPECT_THROW(previous_epsilon_initializer(flat, 0.1, Arithmetic::in_double, f(wide)),
               std::invalid_argument);
  EXPECT_THROW(subsample_initializer(flat, -1, f(flat)), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels::test

#include "kernels/spaces.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/kernels/cloud_batch.hpp"

// The same problems on every execution space that kernels are compiled for: what solvers and
// certificates find must agree. Sums have another order on another space, hence the tolerance.

namespace otfleet::kernels::test {
namespace {

constexpr double epsilon = 0.02, tolerance = 1e-9;

template <class Target>
Matrix<double, Target> upload(const Rows& rows) {
  const Matrix<double, Target> device("otfleet::test::rows", rows.size(), rows.front().size());
  const auto host = Kokkos::create_mirror_view(device);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows[i].size(); ++j) host(i, j) = rows[i][j];
  Kokkos::deep_copy(device, host);
  return device;
}

template <class Target>
Vector<int, Target> upload(const std::vector<int>& values) {
  const Vector<int, Target> device("otfleet::test::values", values.size());
  const auto host = Kokkos::create_mirror_view(device);
  for (std::size_t i = 0; i < values.size(); ++i) host(i) = values[i];
  Kokkos::deep_copy(device, host);
  return device;
}

template <class Array>
Row download(const Array& device) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device);
  return Row(host.data(), host.data() + host.size());
}

/// What one space finds.
struct Found {
  std::string space;
  Row f, g, status, iterations, error, dual, transport, upper, lower;
};

template <class Target, class Cost, class Solve>
Found find(const Cost& cost, const ProblemBatch<Target>& problems, const Solve& solve) {
  const int batch = problems.size();
  const Matrix<double, Target> f("otfleet::test::f", batch, cost.n());
  const Matrix<double, Target> g("otfleet::test::g", batch, cost.m());
  const Vector<int, Target> iterations("otfleet::test::iterations", batch);
  const Vector<int, Target> status("otfleet::test::status", batch);
  const Certificates<Target> certificates(batch);
  solve(cost, problems, f, iterations, status);
  certify<Target>(Target(), cost, problems, epsilon, f, g, certificates);
  return {Target::name(),
          download(f),
          download(g),
          download(status),
          download(iterations),
          download(certificates.marginal_error),
          download(certificates.dual_value),
          download(certificates.transport_cost),
          download(certificates.upper_bound),
          download(certificates.lower_bound)};
}

template <class Target>
ProblemBatch<Target> upload(const HostBatch& batch) {
  return {{Target(), upload<Target>(batch.sources)},
          {Target(), upload<Target>(batch.targets)},
          upload<Target>(batch.source_index),
          upload<Target>(batch.target_index)};
}

void expect_near(const std::string& what, const Row& one, const Row& other) {
  ASSERT_EQ(one.size(), other.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] == other[i]) continue;  // infinite where weights are zero
    EXPECT_NEAR(one[i], other[i], tolerance) << what << " " << i;
  }
}

void expect_agreement(const std::vector<Found>& all) {
  ASSERT_GT(all.size(), 1U);
  for (const Found& found : all) {
    SCOPED_TRACE(found.space + " and " + all.front().space);
    expect_near("status", found.status, all.front().status);
    expect_near("iterations", found.iterations, all.front().iterations);
    expect_near("f", found.f, all.front().f);
    expect_near("g", found.g, all.front().g);
    expect_near("marginal_error", found.error, all.front().error);
    expect_near("dual_value", found.dual, all.front().dual);
    expect_near("transport_cost", found.transport, all.front().transport);
    expect_near("upper_bound", found.upper, all.front().upper);
    expect_near("lower_bound", found.lower, all.front().lower);
    for (const double status : found.status)
      EXPECT_EQ(static_cast<Status>(static_cast<int>(status)), Status::converged);
  }
}

template <class Target>
Found sinkhorn_on(const HostBatch& batch, const SinkhornSettings& settings) {
  return find(batch.cost, upload<Target>(batch),
              [&](const auto& cost, const auto& problems, const auto& f, const auto& iterations,
                  const auto& status) {
                sinkhorn<double>(Target(), cost, problems, settings, true, f, iterations, status);
              });
}

template <class Target>
Found newton_on(const HostBatch& batch, const NewtonSettings& settings) {
  return find(batch.cost, upload<Target>(batch),
              [&](const auto& cost, const auto& problems, const auto& f, const auto& iterations,
                  const auto& status) {
                newton(Target(), cost, problems, settings, true, f, iterations, status);
              });
}

template <class Target>
Found clouds_on(const HostClouds& clouds, const SinkhornSettings& settings) {
  const PointCloudCost<Target> cost(Target(), upload<Target>(clouds.x), upload<Target>(clouds.y),
                                    clouds.cost);
  std::vector<int> index;
  for (int k = 0; k < clouds.size(); ++k) index.push_back(k);
  const ProblemBatch<Target> problems{{Target(), upload<Target>(clouds.sources)},
                                      {Target(), upload<Target>(clouds.targets)},
                                      upload<Target>(index),
                                      upload<Target>(index)};
  return find(cost, problems,
              [&](const auto& given, const auto& batch, const auto& f, const auto& iterations,
                  const auto& status) {
                sinkhorn<double>(Target(), given, batch, settings, true, f, iterations, status);
              });
}

#define OTFLEET_RUN(Target, function, ...) all.push_back(function<Target>(__VA_ARGS__));

class EverySpace : public testing::TestWithParam<Geometry> {};

TEST_P(EverySpace, SinkhornAndCertificatesAgree) {
  Random random(1);
  const HostBatch batch = random_batch(random, random_cost(random, GetParam()), 9, 0.3);
  for (const auto acceleration : {Acceleration::none, Acceleration::momentum}) {
    auto settings = settings_for(epsilon, 1e-7, 20000);
    settings.acceleration = acceleration;
    std::vector<Found> all;
    OTFLEET_FOR_EACH_SPACE(OTFLEET_RUN, sinkhorn_on, batch, settings)
    expect_agreement(all);
  }
}

TEST_P(EverySpace, NewtonAgrees) {
  Random random(2);
  const HostBatch batch = random_batch(random, random_cost(random, GetParam()), 9, 0.3);
  NewtonSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-10;
  std::vector<Found> all;
  OTFLEET_FOR_EACH_SPACE(OTFLEET_RUN, newton_on, batch, settings)
  // What a last step leaves is rounding: the iterations are compared, potentials to the threshold.
  expect_agreement(all);
}

INSTANTIATE_TEST_SUITE_P(Geometries, EverySpace, testing::ValuesIn(all_geometries),
                         [](const auto& tested) { return name(tested.param); });

TEST(Spaces, SinkhornOnCloudsAgrees) {
  for (const GroundCost& cost : tested_costs) {
    SCOPED_TRACE(name(cost));
    for (const int points : {20, 300}) {  // in lanes and in passes
      Random random(3);
      HostClouds clouds = random_clouds(random, cost, points, points + 7, 3);
      add_random_problems(random, clouds, 2, 0.2);
      std::vector<Found> all;
      OTFLEET_FOR_EACH_SPACE(OTFLEET_RUN, clouds_on, clouds, settings_for(0.1, 1e-7, 5000))
      expect_agreement(all);
    }
  }
}

}  // namespace
}  // namespace otfleet::kernels::test

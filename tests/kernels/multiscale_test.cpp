#include "kernels/solvers/multiscale/multiscale.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/kernels/cell_clouds.hpp"
#include "tests/kernels/thread_ranks.hpp"

// The multiscale solver against the plain one, whose passes go over all pairs, and certificates
// that leave out blocks against those that do not.

namespace otfleet::kernels {
namespace {

using namespace test;

MultiscaleSettings settings_of(double epsilon, double threshold) {
  MultiscaleSettings settings;
  settings.sinkhorn.epsilon = epsilon;
  settings.sinkhorn.threshold = threshold;
  settings.sinkhorn.acceleration = Acceleration::momentum;
  return settings;
}

struct Solved {
  Row f;
  int iterations = 0, replaced = 0;
  Status status = Status::ended;
};

template <class Scalar>
Solved solve_multiscale(const CloudBatch<Space>& batch, const MultiscaleSettings& settings,
                        const Row* start = nullptr, const IterationWatch& watch = {}) {
  const auto length = static_cast<std::size_t>(batch.source_offsets().back());
  const auto f = on_device(start ? *start : Row(length, std::nan("")));
  const Vector<int, Space> iterations("otfleet::test::iterations", 1);
  const Vector<int, Space> status("otfleet::test::status", 1);
  const Vector<int, Space> replaced("otfleet::test::replaced", 1);
  multiscale_sinkhorn<Scalar, Space>(Space(), batch, settings, start == nullptr, f, iterations,
                                     status, replaced, watch);
  Solved solved{on_host(f), 0, 0, Status::ended};
  int verdict = 0;
  Kokkos::deep_copy(solved.iterations, Kokkos::subview(iterations, 0));
  Kokkos::deep_copy(solved.replaced, Kokkos::subview(replaced, 0));
  Kokkos::deep_copy(verdict, Kokkos::subview(status, 0));
  solved.status = static_cast<Status>(verdict);
  return solved;
}

struct Certificate {
  Row g;
  double dual, cost, upper, lower, error, left_out;
};

Certificate certificate(const CloudBatch<Space>& batch, double epsilon, const Row& f,
                        double most_left_out) {
  const Certificates<Space> found(1);
  const Vector<double, Space> g("otfleet::test::g",
                                static_cast<std::size_t>(batch.target_offsets().back()));
  certify<Space>(Space(), batch, epsilon, on_device(f), g, found, most_left_out);
  const auto number = [](const Vector<double, Space>& one) { return on_host(one).front(); };
  return {on_host(g),
          number(found.dual_value),
          number(found.transport_cost),
          number(found.upper_bound),
          number(found.lower_bound),
          number(found.marginal_error),
          number(found.left_out)};
}

HostMeasures pair_of(const GroundCost& cost, HostMeasure source, HostMeasure target) {
  HostMeasures batch{cost, {std::move(source)}, {std::move(target)}, {}, {}};
  batch.pair(0, 0);
  return batch;
}

/// The largest difference of two potentials but for a constant, and but for points without weight.
double distance(const Row& one, const Row& other) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (std::isinf(one[i]) || std::isinf(other[i])) {
      EXPECT_EQ(one[i], other[i]) << i;
      continue;
    }
    least = std::min(least, one[i] - other[i]);
    most = std::max(most, one[i] - other[i]);
  }
  return (most - least) / 2;
}

TEST(Multiscale, FindsThePotentialsOfThePlainSolverForEveryCost) {
  constexpr double epsilon = 0.05, threshold = 1e-4;
  for (const auto& cost : tested_costs) {
    Random random(21);
    const int d = takes_directions(cost) ? 3 : 2;
    const auto batch = pair_of(cost, random_measure(random, cost, 5000, d, 0.1),
                               random_measure(random, cost, 4000, d));
    const auto clouds = on_device(batch);
    auto plain_settings = settings_of(epsilon, threshold).sinkhorn;
    const auto plain = solve<double>(batch, plain_settings);
    const auto solved = solve_multiscale<double>(clouds, settings_of(epsilon, threshold));
    EXPECT_EQ(solved.status, Status::converged) << name(cost);
    EXPECT_LE(solved.iterations, plain.iterations[0] * 5 / 4) << name(cost);
    // Both miss the marginals by 1e-4 at most: potentials are the same to two hundredths of
    // epsilon.
    EXPECT_LT(distance(solved.f, plain.f[0]), 0.02 * epsilon) << name(cost);
    const auto exact = certificate(clouds, epsilon, solved.f, 0);
    EXPECT_LT(exact.error, threshold) << name(cost);
    EXPECT_EQ(exact.left_out, 0);
    const auto truncated = certificate(clouds, epsilon, solved.f,
                                       settings_of(epsilon, threshold).certified_left_out());
    EXPECT_LE(truncated.error, threshold) << name(cost);
    EXPECT_LE(truncated.left_out, threshold / 64) << name(cost);
  }
}

TEST(Multiscale, FloatReachesTheThresholdThatDoubleConfirms) {
  Random random(22);
  for (const auto& cost : tested_costs) {
    const int d = takes_directions(cost) ? 3 : 2;
    const auto batch = on_device(pair_of(cost, random_measure(random, cost, 3000, d),
                                         random_measure(random, cost, 3500, d)));
    const auto settings = settings_of(0.02, 1e-3);
    const auto solved = solve_multiscale<float>(batch, settings);
    EXPECT_EQ(solved.status, Status::converged) << name(cost);
    const auto exact = certificate(batch, 0.02, solved.f, 0);
    EXPECT_LT(exact.error, 1e-3) << name(cost);
    EXPECT_LE(certificate(batch, 0.02, solved.f, settings.certified_left_out()).error, 1e-3);
  }
}

TEST(Multiscale, SolvesCloudsThatNoGridSeparates) {
  for (const int d : {1, 2, 3}) {
    Random random(static_cast<std::uint64_t>(23 + d));
    const auto measures = adversarial_measures(random, 2500, d);
    for (const auto& [name, measure] : measures) {
      const auto target = drawn_measure(random, 2100, d, [](Random&, Row&) {});
      const auto clouds = on_device(pair_of(SquaredEuclideanCost(), measure, target));
      const auto settings = settings_of(0.01, 1e-3);
      const auto solved = solve_multiscale<double>(clouds, settings);
      EXPECT_EQ(solved.status, Status::converged) << name << ", " << d;
      EXPECT_LT(certificate(clouds, 0.01, solved.f, 0).error, 1e-3) << name << ", " << d;
      const auto truncated = certificate(clouds, 0.01, solved.f, settings.certified_left_out());
      EXPECT_LE(truncated.error, 1e-3) << name << ", " << d;
    }
  }
}

TEST(Multiscale, AnOutlierFarAwayHasItsMass) {
  Random random(27);
  auto source = drawn_measure(random, 3000, 3, [](Random&, Row&) {});
  source.points[1234] = {1e6, 0.5, 0.5};
  const auto target = drawn_measure(random, 3000, 3, [](Random&, Row&) {});
  // The cost is 1e12; of potentials as large no digit is left for less than about 1e-4.
  const double epsilon = 10;
  const auto clouds = on_device(pair_of(SquaredEuclideanCost(), source, target));
  const auto solved = solve_multiscale<double>(clouds, settings_of(epsilon, 1e-2));
  EXPECT_EQ(solved.status, Status::converged);
  const auto exact = certificate(clouds, epsilon, solved.f, 0),
             truncated = certificate(clouds, epsilon, solved.f, 1e-4);
  EXPECT_LT(exact.error, 1e-2);
  EXPECT_GE(truncated.error, exact.error * (1 - 1e-6));
  EXPECT_LE(truncated.lower, exact.upper);
}

TEST(TruncatedCertificate, IsOnTheSafeSideOfTheWholeOne) {
  for (const auto& cost : tested_costs) {
    Random random(31);
    const int d = takes_directions(cost) ? 3 : 2;
    const auto clouds = on_device(pair_of(cost, random_measure(random, cost, 1500, d, 0.1),
                                          random_measure(random, cost, 1700, d)));
    for (const double epsilon : {0.1, 0.01}) {
      const auto solved = solve_multiscale<double>(clouds, settings_of(epsilon, 1e-2));
      const auto whole = certificate(clouds, epsilon, solved.f, 0);
      for (const double share : {1e-6, 1e-3, 1e-2, 0.1, 0.5}) {
        const auto part = certificate(clouds, epsilon, solved.f, share);
        const double rounding = 1e-9;
        EXPECT_LE(part.left_out, share) << name(cost);
        EXPECT_GE(part.error, whole.error - rounding) << name(cost) << " " << share;
        EXPECT_LE(part.dual, whole.dual + rounding) << name(cost) << " " << share;
        EXPECT_LE(part.lower, whole.upper) << name(cost) << " " << share;
        EXPECT_GE(part.upper, whole.lower) << name(cost) << " " << share;
        EXPECT_GE(part.upper, part.lower) << name(cost) << " " << share;
        // The half-step over fewer pairs is not smaller.
        for (std::size_t j = 0; j < part.g.size(); ++j)
          ASSERT_GE(part.g[j], whole.g[j] - rounding) << name(cost);
      }
      // And it is the same where next to nothing is left out.
      const auto close = certificate(clouds, epsilon, solved.f, 1e-9);
      EXPECT_NEAR(close.error, whole.error, 1e-8) << name(cost);
      EXPECT_NEAR(close.dual, whole.dual, 1e-8) << name(cost);
      EXPECT_NEAR(close.cost, whole.cost, 1e-7) << name(cost);
      EXPECT_NEAR(close.lower, whole.lower, 1e-7) << name(cost);
    }
  }
}

TEST(Multiscale, IsTheSameOnAnyNumberOfRanks) {
  Random random(41);
  const GroundCost cost = SquaredEuclideanCost();
  const auto source = random_measure(random, cost, 3000, 3, 0.1),
             target = random_measure(random, cost, 2500, 3);
  const auto whole = on_device(pair_of(cost, source, target));
  const auto settings = settings_of(0.01, 1e-3);
  const auto expected = solve_multiscale<float>(whole, settings);
  const auto figures = certificate(whole, 0.01, expected.f, 1e-4);
  for (const int ranks : {1, 2, 3, 5})
    on_ranks(ranks, [&](CloudCommunicator& communicator, int rank) {
      const auto part = [&](const HostMeasure& measure) {
        const auto n = static_cast<int>(measure.points.size());
        // Uneven parts, and the last of five is empty.
        const auto end_of = [&](int r) {
          return ranks == 5 ? n * std::min(r, 4) / 4 : n * r * r / (ranks * ranks);
        };
        const int begin = end_of(rank), end = end_of(rank + 1);
        const Rows points(measure.points.begin() + begin, measure.points.begin() + end);
        const Row weights(measure.weights.begin() + begin, measure.weights.begin() + end);
        return CloudMeasures<Space>(Space(), communicator, on_device(weights),
                                    test::on_device(points, 3), begin, cost);
      };
      const CloudBatch<Space> batch{part(source), part(target), {0}, {0}};
      const auto solved = solve_multiscale<float>(batch, settings);
      EXPECT_EQ(solved.iterations, expected.iterations);
      EXPECT_EQ(solved.status, expected.status);
      const auto first = static_cast<std::size_t>(batch.source.first_point());
      // But for the last digits of weights, which are shares of a sum over ranks.
      for (std::size_t i = 0; i < solved.f.size(); ++i)
        ASSERT_TRUE(solved.f[i] == expected.f[first + i] ||
                    std::abs(solved.f[i] - expected.f[first + i]) < 1e-6)
            << i;
      const auto found = certificate(batch, 0.01, solved.f, 1e-4);
      EXPECT_NEAR(found.error, figures.error, 1e-6);
      EXPECT_NEAR(found.dual, figures.dual, 1e-8);
      EXPECT_NEAR(found.left_out, figures.left_out, 1e-6);
    });
}

TEST(Multiscale, GoesOnFromAStart) {
  Random random(51);
  const GroundCost cost = SquaredEuclideanCost();
  const auto clouds = on_device(
      pair_of(cost, random_measure(random, cost, 3000, 2), random_measure(random, cost, 3000, 2)));
  auto settings = settings_of(0.005, 1e-5);
  const auto solved = solve_multiscale<double>(clouds, settings);
  ASSERT_EQ(solved.status, Status::converged);
  ASSERT_GT(solved.iterations, 4);
  const auto again = solve_multiscale<double>(clouds, settings, &solved.f);
  EXPECT_EQ(again.status, Status::converged);
  EXPECT_LE(again.iterations, 1);
  // In two parts.
  settings.sinkhorn.max_iterations = 3;
  const auto part = solve_multiscale<double>(clouds, settings);
  EXPECT_EQ(part.status, Status::iteration_limit);
  EXPECT_EQ(part.iterations, 3);
  settings.sinkhorn.max_iterations = 500;
  EXPECT_EQ(solve_multiscale<double>(clouds, settings, &part.f).status, Status::converged);
  // A start that is far off is given up where that is asked for; zeros are none.
  Row noise = solved.f;
  for (double& f : noise) f += random.uniform(-1, 1);
  settings.sinkhorn.doubtful_error = 0.25;
  const auto replaced = solve_multiscale<double>(clouds, settings, &noise);
  EXPECT_EQ(replaced.replaced, 1);
  EXPECT_EQ(replaced.iterations, solved.iterations);
  const Row zeros(solved.f.size(), 0.0);
  const auto from_zeros = solve_multiscale<double>(clouds, settings, &zeros);
  EXPECT_EQ(from_zeros.iterations, solved.iterations);
  EXPECT_EQ(from_zeros.f, solved.f);
  const Row broken(solved.f.size(), std::nan(""));
  settings.sinkhorn.doubtful_error = std::numeric_limits<double>::infinity();
  EXPECT_EQ(solve_multiscale<double>(clouds, settings, &broken).status, Status::not_finite);
}

TEST(Multiscale, EndsWhenItIsAskedTo) {
  Random random(52);
  const GroundCost cost = SquaredEuclideanCost();
  const auto clouds = on_device(
      pair_of(cost, random_measure(random, cost, 3000, 2), random_measure(random, cost, 3000, 2)));
  const auto settings = settings_of(0.005, 1e-5);
  int asked = 0;
  const auto at_once = solve_multiscale<double>(clouds, settings, nullptr,
                                                [&](int iterations, const std::function<void()>&) {
                                                  ++asked;
                                                  EXPECT_EQ(iterations, 0);
                                                  return false;
                                                });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(at_once.status, Status::ended);
  EXPECT_EQ(at_once.iterations, 0);
  const auto later = solve_multiscale<double>(
      clouds, settings, nullptr, [&](int iterations, const std::function<void()>& store) {
        if (iterations < 2) return true;
        store();
        return false;
      });
  EXPECT_EQ(later.iterations, 2);
  EXPECT_EQ(solve_multiscale<double>(clouds, settings, &later.f).status, Status::converged);
}

TEST(Multiscale, SaysWhatItDoesNotTake) {
  EXPECT_EQ(multiscale_complaint(SquaredEuclideanCost(), 3), "");
  EXPECT_NE(
      multiscale_complaint(SquaredEuclideanCost(), 4).find("at most 3 coordinates, these have 4"),
      std::string::npos);
  Random random(61);
  const GroundCost cost = SquaredEuclideanCost();
  const auto batch = [&](int d) {
    return on_device(
        pair_of(cost, random_measure(random, cost, 50, d), random_measure(random, cost, 60, d)));
  };
  const auto settings = settings_of(0.1, 1e-3);
  EXPECT_THROW(solve_multiscale<double>(batch(4), settings), std::invalid_argument);
  EXPECT_THROW(certificate(batch(4), 0.1, Row(50, 0.0), 1e-3), std::invalid_argument);
  EXPECT_THROW(solve_multiscale<double>(batch(2), settings_of(0, 1e-3)), std::invalid_argument);
  EXPECT_THROW(solve_multiscale<double>(batch(2), settings_of(0.1, 0)), std::invalid_argument);
  auto greedy = settings;
  greedy.left_out = 1;
  EXPECT_THROW(solve_multiscale<double>(batch(2), greedy), std::invalid_argument);
  const Row short_start(49, 0.0);
  EXPECT_THROW(solve_multiscale<double>(batch(2), settings, &short_start), std::invalid_argument);
  EXPECT_EQ(solve_multiscale<double>(batch(2), settings).status, Status::converged);
  const CloudBatch<Space> nothing{batch(2).source, batch(2).target, {}, {}};
  const Vector<int, Space> none("otfleet::test::none", 0);
  multiscale_sinkhorn<double, Space>(Space(), nothing, settings, true, on_device(Row()), none,
                                     none);
}

}  // namespace
}  // namespace otfleet::kernels

// Winners of samples and their rotations, by all scores; bounds of marginals, by repetition.
#include "kernels/solvers/semidiscrete/winners.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/counter_random.hpp"
#include "kernels/host_values.hpp"
#include "kernels/solvers/semidiscrete/marginal_bounds.hpp"
#include "tests/kernels/test_space.hpp"

namespace otfleet::kernels {
namespace {

constexpr int batch = Winners<Space>::batch;

std::size_t at_of(int row, int width, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(width) +
         static_cast<std::size_t>(column);
}

TEST(Winners, OfSamplesAndRotationsByAllScores) {
  const CounterRandom random(1, 2);
  for (const int n : {1, 63, 300, 5000})
    for (const int d : {1, 40}) {
      SCOPED_TRACE(::testing::Message() << n << " points of " << d << " coordinates");
      constexpr int rotations = 3;
      std::vector<float> points, samples, signs, heights;
      std::uint64_t at = 0;
      const auto number = [&] { return static_cast<float>(random.uniform(at++) - 0.5); };
      for (int k = 0; k < n * d; ++k) points.push_back(number());
      for (int k = 0; k < batch * d; ++k) samples.push_back(4 * number());
      for (int k = 0; k < (rotations - 1) * batch; ++k)
        signs.push_back(number() > 0 ? 1.0f / 16 : -1.0f / 16);
      const auto device = [](const std::vector<float>& values) {
        return copy_to_device<Space>("otfleet::test::values", values);
      };
      const Winners<Space> winners(Space(), device(points), n, d);
      for (int k = 0; k < winners.padded(); ++k) heights.push_back(k < n ? number() : -1e30f);
      const auto on_device = device(samples), device_signs = device(signs),
                 device_heights = device(heights);
      const typename Winners<Space>::Keys keys("otfleet::test::keys", rotations * batch);
      winners.find(Matrix<const float, Space>(on_device.data(), batch, d),
                   Matrix<const float, Space>(device_signs.data(), rotations - 1, batch),
                   device_heights, 0, 0, keys);
      const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), keys);
      std::vector<double> rotated(samples.begin(), samples.end());
      double gaps = 0;
      for (int r = 0; r < rotations; ++r) {
        if (r > 0) {  // the Hadamard matrix by its entries (−1)^(number of common bits)
          std::vector<double> before = rotated;
          for (int row = 0; row < batch; ++row)
            for (int c = 0; c < d; ++c) {
              double sum = 0;
              for (int k = 0; k < batch; ++k)
                sum += (__builtin_popcount(static_cast<unsigned>(row & k)) % 2 == 0 ? 1 : -1) *
                       static_cast<double>(signs[at_of(r - 1, batch, k)]) * before[at_of(k, d, c)];
              rotated[at_of(row, d, c)] = sum;
            }
        }
        for (int row = 0; row < batch; ++row) {
          const auto score = [&](int j) {
            double sum = static_cast<double>(heights[static_cast<std::size_t>(j)]);
            for (int c = 0; c < d; ++c)
              sum += 2 * rotated[at_of(row, d, c)] * static_cast<double>(points[at_of(j, d, c)]);
            return sum;
          };
          double best = -INFINITY, second = -INFINITY;
          for (int j = 0; j < n; ++j) {
            const double here = score(j);
            second = std::max(second, std::min(best, here));
            best = std::max(best, here);
          }
          if (r == 0) gaps += (best - second) / batch;
          const int winner = point_of(found(r * batch + row));
          ASSERT_GE(winner, 0);
          ASSERT_LT(winner, n);
          EXPECT_NEAR(score(winner), best, 1e-4);
        }
      }
      const double gap =
          winners.mean_gap(Matrix<const float, Space>(on_device.data(), batch, d), device_heights);
      EXPECT_NEAR(gap, n == 1 ? 0 : gaps, 1e-3 * (1 + (n == 1 ? 0 : gaps)));
    }
}

/// A soft maximum is a plain one of scores with Gumbel variables.
TEST(Winners, SoftOnesByTheirProbabilities) {
  const std::vector<float> points = {0, 0, 0}, samples(batch, 1.0f);
  const auto device_points = copy_to_device<Space>("otfleet::test::points", points);
  const auto device_samples = copy_to_device<Space>("otfleet::test::samples", samples);
  const Winners<Space> winners(Space(), device_points, 3, 1);
  std::vector<float> heights(static_cast<std::size_t>(winners.padded()), -1e30f);
  const double probabilities[] = {0.6, 0.3, 0.1};
  for (std::size_t j = 0; j < 3; ++j)
    heights[j] = 0.5f * static_cast<float>(std::log(probabilities[j]));
  const auto device_heights = copy_to_device<Space>("otfleet::test::heights", heights);
  double shares[3] = {0, 0, 0};
  constexpr int repeats = 200;
  for (int k = 0; k < repeats; ++k) {
    const typename Winners<Space>::Keys keys("otfleet::test::keys", batch);
    winners.find(Matrix<const float, Space>(device_samples.data(), batch, 1),
                 Matrix<const float, Space>(nullptr, 0, batch), device_heights, 0.5f,
                 static_cast<std::uint64_t>(k), keys);
    const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), keys);
    for (int row = 0; row < batch; ++row) shares[point_of(found(row))] += 1.0 / (repeats * batch);
  }
  for (int j = 0; j < 3; ++j) EXPECT_NEAR(shares[j], probabilities[j], 0.01);
}

TEST(MarginalBounds, HoldInRepetitions) {
  const CounterRandom random(9, 0);
  std::uint64_t at = 0;
  for (const auto& [points, samples] : {std::pair{10, 500}, {400, 400}, {400, 40000}, {2, 100}})
    for (const double distortion : {0.0, 0.3, 0.9}) {
      SCOPED_TRACE(::testing::Message() << points << " points, " << samples << " samples");
      const auto n = static_cast<std::size_t>(points);
      std::vector<double> weights(n), shares(n);
      double all = 0, chi = 0, plain = 0;
      for (auto& weight : weights) all += weight = 0.1 + random.uniform(at++);
      for (auto& weight : weights) weight /= all;
      for (std::size_t j = 0; j < n; ++j)
        shares[j] = weights[j] * (j % 2 == 0 ? 1 - distortion : 1 + distortion);
      double sum = 0;
      for (const double share : shares) sum += share;
      for (std::size_t j = 0; j < n; ++j) {
        shares[j] /= sum;
        plain += std::abs(shares[j] - weights[j]);
        chi += std::pow(shares[j] - weights[j], 2) / weights[j];
      }
      double mean = 0;
      constexpr int repeats = 60;
      for (int repeat = 0; repeat < repeats; ++repeat) {
        Hits hits{std::vector<std::int64_t>(n, 0), std::vector<std::int64_t>(n, 0), samples};
        for (auto* half : {&hits.first, &hits.second})
          for (int k = 0; k < samples; ++k) {
            double u = random.uniform(at++);
            std::size_t j = 0;
            while (j + 1 < n && u >= shares[j]) u -= shares[j++];
            ++(*half)[j];
          }
        const auto bounds = marginal_bounds(weights, hits, 1e-3);
        EXPECT_LE(bounds.lower, plain + 1e-12);
        EXPECT_GE(bounds.upper, plain);
        EXPECT_GE(bounds.chi_upper, std::sqrt(chi));
        mean += bounds.estimate / repeats;
        // With many samples they say something.
        if (samples >= 100 * points) {
          EXPECT_LE(bounds.upper, std::sqrt(chi) + 0.3);
          EXPECT_GE(bounds.lower, plain - 0.2);
        }
      }
      if (samples >= 50 * points) {
        EXPECT_NEAR(mean, std::sqrt(chi), 0.1);
      }
    }
}

}  // namespace
}  // namespace otfleet::kernels

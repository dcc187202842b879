#include "kernels/counter_random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace otfleet::kernels {
namespace {

// Computed once by a separate program. A change of the generator changes every recorded run.
TEST(CounterRandom, KeepsItsKnownValues) {
  const std::uint64_t top = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(CounterRandom(0, 0).bits(0), 0xa7f72697a2731486u);
  EXPECT_EQ(CounterRandom(0, 0).bits(1), 0xeb718afea1509cd1u);
  EXPECT_EQ(CounterRandom(1, 2).bits(3), 0x38607a234e79b390u);
  EXPECT_EQ(CounterRandom(42, 7).bits(std::uint64_t{1} << 40), 0xfc1cd4cd3529065au);
  EXPECT_EQ(CounterRandom(top, top).bits(top), 0xcc56cdcdc256e448u);
  EXPECT_EQ(CounterRandom(1, 2).uniform(3), 0.22022212373710803);
  EXPECT_EQ(CounterRandom(0, 0).below(10, 0), 6u);
  EXPECT_EQ(CounterRandom(1, 2).below(10, 3), 2u);
}

TEST(CounterRandom, TellsSeedStreamAndCounterApart) {
  const std::uint64_t base = CounterRandom(1, 2).bits(3);
  EXPECT_NE(base, CounterRandom(2, 2).bits(3));
  EXPECT_NE(base, CounterRandom(1, 3).bits(3));
  EXPECT_NE(base, CounterRandom(1, 2).bits(4));
  EXPECT_NE(CounterRandom(1, 2).bits(3), CounterRandom(2, 1).bits(3));
}

TEST(CounterRandom, IsUniform) {
  constexpr int count = 100000, bins = 50;
  const CounterRandom random(7, 1);
  std::vector<int> histogram(bins, 0);
  double sum = 0, lagged = 0, previous = 0.5;
  for (int k = 0; k < count; ++k) {
    const double u = random.uniform(static_cast<std::uint64_t>(k));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++histogram[static_cast<std::size_t>(u * bins)];
    sum += u;
    lagged += (u - 0.5) * (previous - 0.5);
    previous = u;
  }
  // Five standard deviations of the mean, and of the correlation of neighbors.
  EXPECT_NEAR(sum / count, 0.5, 5 / std::sqrt(12.0 * count));
  EXPECT_NEAR(lagged / count, 0.0, 5 / (12.0 * std::sqrt(count)));
  double chi_square = 0;
  const double expected = static_cast<double>(count) / bins;
  for (const int n : histogram) chi_square += (n - expected) * (n - expected) / expected;
  EXPECT_LT(chi_square, 95.0);  // 49 degrees of freedom: exceeded once in 10^4
  EXPECT_GT(chi_square, 20.0);  // too even to be random: once in 10^4
}

TEST(CounterRandom, BelowReachesEveryValueAndNoMore) {
  const CounterRandom random(3, 9);
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{13}}) {
    std::vector<int> seen(bound, 0);
    for (std::uint64_t k = 0; k < 1000; ++k) {
      const std::uint64_t value = random.below(bound, k);
      ASSERT_LT(value, bound);
      ++seen[value];
    }
    for (const int n : seen) EXPECT_GT(n, 0);
  }
}

}  // namespace
}  // namespace otfleet::kernels

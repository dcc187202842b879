#include "distributed/shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/random.hpp"

namespace otfleet::distributed {
namespace {

TEST(Shard, CoversEveryInstanceOnceInRankOrder) {
  for (std::int64_t count = 0; count <= 20; ++count) {
    for (int ranks = 1; ranks <= 7; ++ranks) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Shard shard = block_shard(count, rank, ranks);
        EXPECT_EQ(shard.begin, next) << count << " over " << ranks;
        EXPECT_GE(shard.size(), count / ranks);
        EXPECT_LE(shard.size(), count / ranks + 1);
        next = shard.end;
      }
      EXPECT_EQ(next, count);
    }
  }
}

TEST(Shard, PutsLargerShardsFirst) {
  EXPECT_EQ(block_shard(8, 0, 3).size(), 3);
  EXPECT_EQ(block_shard(8, 1, 3).size(), 3);
  EXPECT_EQ(block_shard(8, 2, 3).size(), 2);
  EXPECT_EQ(block_shard(2, 1, 3).size(), 1);
  EXPECT_EQ(block_shard(2, 2, 3).size(), 0);
}

TEST(Shard, HoldsCountsPast32Bits) {
  const std::int64_t count = (std::int64_t{1} << 40) + 1;
  EXPECT_EQ(block_shard(count, 0, 1024).size(), (std::int64_t{1} << 30) + 1);
  EXPECT_EQ(block_shard(count, 1023, 1024).end, count);
}

TEST(Shard, SharesWorkInContiguousPieces) {
  const CounterRandom random(1, 2);
  for (const std::size_t count : {0, 1, 2, 7, 100}) {
    std::vector<double> work;
    double total = 0, largest = 0;
    for (std::size_t k = 0; k < count; ++k) {
      work.push_back(std::pow(10.0, 4 * random.uniform(k)));
      total += work.back();
      largest = std::max(largest, work.back());
    }
    for (int ranks = 1; ranks <= 7; ++ranks) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Shard shard = work_shard(work, rank, ranks);
        EXPECT_EQ(shard.begin, next) << count << " over " << ranks;
        ASSERT_GE(shard.end, shard.begin);
        double share = 0;
        for (auto k = shard.begin; k < shard.end; ++k) share += work[static_cast<std::size_t>(k)];
        EXPECT_LE(share, total / ranks + largest * (1 + 1e-12));
        next = shard.end;
      }
      EXPECT_EQ(next, static_cast<std::int64_t>(count));
    }
  }
  // One large instance weighs as much as three others.
  const std::vector<double> work = {3, 1, 1, 1};
  EXPECT_EQ(work_shard(work, 0, 2).end, 1);
  EXPECT_EQ(work_shard(work, 1, 2).size(), 3);
}

/// Which of `count` instances the shards hold; an instance that two hold counts twice.
std::vector<int> marks(const std::vector<Shard>& shards, std::int64_t count) {
  std::vector<int> result(static_cast<std::size_t>(count), 0);
  for (const Shard one : shards)
    for (std::int64_t k = one.begin; k < one.end; ++k) ++result[static_cast<std::size_t>(k)];
  return result;
}

TEST(Shard, UncoveredIsWhatNoShardHolds) {
  const CounterRandom random(3, 4);
  std::uint64_t counter = 0;
  for (int repetition = 0; repetition < 200; ++repetition) {
    const Shard all{5, 35};
    std::vector<Shard> taken;
    for (std::uint64_t k = random.below(6, counter++); k > 0; --k) {
      const auto begin = static_cast<std::int64_t>(random.below(40, counter++));
      taken.push_back({begin, begin + static_cast<std::int64_t>(random.below(10, counter++))});
    }
    const auto left = uncovered(all, taken);
    const auto in_left = marks(left, 50), in_taken = marks(taken, 50);
    for (std::int64_t k = 0; k < 50; ++k) {
      const auto at = static_cast<std::size_t>(k);
      EXPECT_EQ(in_left[at], k >= all.begin && k < all.end && in_taken[at] == 0) << k;
    }
    for (std::size_t k = 1; k < left.size(); ++k) EXPECT_LT(left[k - 1].end, left[k].begin);
  }
}

TEST(Shard, SlicesCountThrough) {
  const std::vector<Shard> shards = {{3, 5}, {9, 9}, {10, 14}, {20, 21}};
  EXPECT_EQ(total_size(shards), 7);
  std::vector<std::int64_t> members;
  for (const Shard one : shards)
    for (std::int64_t k = one.begin; k < one.end; ++k) members.push_back(k);
  for (std::int64_t begin = 0; begin <= 7; ++begin)
    for (std::int64_t end = begin; end <= 7; ++end) {
      std::vector<std::int64_t> found;
      for (const Shard one : slice(shards, {begin, end})) {
        EXPECT_GT(one.size(), 0);
        for (std::int64_t k = one.begin; k < one.end; ++k) found.push_back(k);
      }
      EXPECT_EQ(found, std::vector(members.begin() + begin, members.begin() + end));
    }
  EXPECT_TRUE(slice({}, {0, 0}).empty());
}

TEST(Shard, RanksMarkEveryInstanceOnce) {
  const Communicator world = Communicator::world();
  for (const std::int64_t count : {0, 1, 2, 10}) {
    const Shard mine = block_shard(count, world.rank(), world.size());
    std::vector<std::int64_t> owners(static_cast<std::size_t>(count), 0);
    for (std::int64_t k = mine.begin; k < mine.end; ++k) ++owners[static_cast<std::size_t>(k)];
    world.all_reduce(std::span<std::int64_t>(owners), Reduction::sum);
    EXPECT_EQ(owners, std::vector<std::int64_t>(static_cast<std::size_t>(count), 1));
  }
}

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

TEST(CounterRandom, DrawsTheSameOnAnyNumberOfRanks) {
  const Communicator world = Communicator::world();
  constexpr std::int64_t count = 11;
  const CounterRandom random(5, 0);
  std::vector<double> whole, mine;
  for (std::int64_t k = 0; k < count; ++k) {
    whole.push_back(random.uniform(static_cast<std::uint64_t>(k)));
  }
  const Shard shard = block_shard(count, world.rank(), world.size());
  for (std::int64_t k = shard.begin; k < shard.end; ++k) {
    mine.push_back(CounterRandom(5, 0).uniform(static_cast<std::uint64_t>(k)));
  }
  const std::vector<double> gathered = world.gather(std::span<const double>(mine));
  EXPECT_EQ(gathered, world.is_root() ? whole : std::vector<double>());
}

}  // namespace
}  // namespace otfleet::distributed

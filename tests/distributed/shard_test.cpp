#include "distributed/shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "distributed/communicator.hpp"
#include "kernels/counter_random.hpp"

namespace otfleet::distributed {
namespace {

using kernels::CounterRandom;

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

TEST(Shard, RandomNumbersAreTheSameOnAnyNumberOfRanks) {
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

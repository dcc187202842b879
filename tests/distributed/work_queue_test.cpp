#include "distributed/work_queue.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

namespace otfleet::distributed {
namespace {

class WorkQueueTest : public ::testing::Test {
 protected:
  /// How often each of `count` instances was taken, over all ranks.
  std::vector<std::int64_t> total(std::vector<std::int64_t> taken) const {
    world_.all_reduce(std::span<std::int64_t>(taken), Reduction::sum);
    return taken;
  }

  const Communicator world_ = Communicator::world();
};

TEST_F(WorkQueueTest, EveryInstanceIsTakenOnce) {
  constexpr std::int64_t count = 3000;
  const std::vector<std::int64_t> once(count, 1);
  for (const std::int64_t smallest : {1, 7, 5000})
    for (const bool all_on_last : {false, true}) {
      const bool last = world_.rank() == world_.size() - 1;
      const Shard mine = !all_on_last ? block_shard(count, world_.rank(), world_.size())
                         : last       ? Shard{0, count}
                                      : Shard{};
      WorkQueue queue(world_, mine);
      std::vector<std::int64_t> taken(count, 0);
      while (true) {
        const Shard rows = queue.take(smallest, 50);
        if (rows.size() == 0) break;
        EXPECT_LE(rows.size(), 50);
        for (auto k = rows.begin; k < rows.end; ++k) ++taken[static_cast<std::size_t>(k)];
      }
      EXPECT_EQ(queue.take(smallest, 50).size(), 0);
      EXPECT_EQ(total(taken), once);
      EXPECT_TRUE(world_.size() > 1 || queue.taken_over() == 0);
    }
}

/// One rank is slow, the others do its work.
TEST_F(WorkQueueTest, IdleRanksTakeOverWhatASlowOneHas) {
  constexpr std::int64_t count = 400;
  WorkQueue queue(world_, block_shard(count, world_.rank(), world_.size()));
  const Shard own = block_shard(count, world_.rank(), world_.size());
  std::vector<std::int64_t> taken(count, 0);
  std::int64_t of_others = 0;
  while (true) {
    const Shard rows = queue.take(1, 8);
    if (rows.size() == 0) break;
    for (auto k = rows.begin; k < rows.end; ++k) {
      ++taken[static_cast<std::size_t>(k)];
      of_others += k < own.begin || k >= own.end;
    }
    usleep(world_.is_root() ? 20000 : 200);
  }
  EXPECT_EQ(total(taken), std::vector<std::int64_t>(count, 1));
  EXPECT_EQ(of_others, queue.taken_over());
  const auto moved = world_.all_reduce(queue.taken_over(), Reduction::sum);
  if (world_.size() > 1)
    EXPECT_GT(moved, count / world_.size() / 4);
  else
    EXPECT_EQ(moved, 0);
}

TEST_F(WorkQueueTest, HalfStaysForOthersToTakeOver) {
  WorkQueue queue(world_, world_.is_root() ? Shard{10, 110} : Shard{});
  if (world_.is_root()) {
    const Shard first = queue.take(4, 1000);
    EXPECT_EQ(first.begin, 10);
    EXPECT_EQ(first.size(), world_.size() > 1 ? 50 : 100);
  }
  world_.barrier();
}

TEST_F(WorkQueueTest, ClosedNobodyGetsAnything) {
  WorkQueue queue(world_, block_shard(1000, world_.rank(), world_.size()));
  EXPECT_GT(queue.take(1, 3).size(), 0);
  world_.barrier();
  if (world_.rank() == world_.size() - 1) queue.close();
  world_.barrier();
  EXPECT_EQ(queue.take(1, 3).size(), 0);
  EXPECT_EQ(queue.take(1, 3).size(), 0);
}

TEST_F(WorkQueueTest, NothingToDo) {
  WorkQueue queue(world_, {});
  EXPECT_EQ(queue.take(1, 100).size(), 0);
}

TEST_F(WorkQueueTest, NumbersPast32Bits) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  WorkQueue queue(world_, world_.is_root() ? Shard{most - 10, most - 1} : Shard{});
  std::int64_t taken = 0;
  for (Shard rows = queue.take(4, 4); rows.size() > 0; rows = queue.take(4, 4)) {
    EXPECT_GE(rows.begin, most - 10);
    taken += rows.size();
  }
  EXPECT_EQ(world_.all_reduce(taken, Reduction::sum), 9);
}

}  // namespace
}  // namespace otfleet::distributed

#include "distributed/ring_exchange.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "distributed/error.hpp"

namespace otfleet::distributed {
namespace {

using Message = std::vector<std::uint8_t>;

/// What rank `rank` says in a round: `length` bytes that nobody else says.
Message words_of(int rank, int round, std::size_t length) {
  Message message(length);
  for (std::size_t k = 0; k < length; ++k)
    message[k] = static_cast<std::uint8_t>(31 * rank + 7 * round + 3 * static_cast<int>(k % 251));
  return message;
}

/// The messages that this rank sees, in order.
std::vector<Message> seen(RingExchange& ring, const Message& own) {
  std::vector<Message> messages;
  int fills = 0;
  ring.exchange(
      own.size(),
      [&](std::byte* message) {
        ++fills;
        if (!own.empty()) std::memcpy(message, own.data(), own.size());
      },
      [&](const std::byte* message, std::size_t bytes) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(message) % 64, 0u);
        const auto* first = reinterpret_cast<const std::uint8_t*>(message);
        messages.emplace_back(first, first + bytes);
      });
  EXPECT_EQ(fills, 1);
  return messages;
}

std::vector<Message> expected_on(const Communicator& world, int round, auto length_of) {
  std::vector<Message> messages;
  for (int step = 0; step < world.size(); ++step) {
    const int owner = (world.rank() - step + world.size()) % world.size();
    messages.push_back(words_of(owner, round, length_of(owner)));
  }
  return messages;
}

TEST(RingExchange, EveryRankSeesEveryMessageItsOwnFirst) {
  const Communicator world = Communicator::world();
  RingExchange ring(world);
  // Rounds of one ring differ in size, up and down; ranks differ, and some say nothing.
  const auto sizes = std::vector<std::size_t>{5, 100000, 0, 64, 3};
  for (int round = 0; round < static_cast<int>(sizes.size()); ++round) {
    const auto length_of = [&](int rank) {
      return (rank + round) % 3 == 0 ? 0 : sizes[static_cast<std::size_t>(round)] * (1 + rank);
    };
    const Message own = words_of(world.rank(), round, length_of(world.rank()));
    EXPECT_EQ(seen(ring, own), expected_on(world, round, length_of)) << "round " << round;
  }
}

TEST(RingExchange, LongMessagesTravelInPieces) {
  const Communicator world = Communicator::world();
  RingExchange ring(world);
  ring.limit_pieces(7);
  const auto length_of = [](int rank) { return static_cast<std::size_t>(14 + 3 * rank); };
  EXPECT_EQ(seen(ring, words_of(world.rank(), 0, length_of(world.rank()))),
            expected_on(world, 0, length_of));
}

TEST(RingExchange, AMessageOnItsWayIsNotTouched) {
  // A slow rank still reads what its neighbors have long passed on.
  const Communicator world = Communicator::world();
  RingExchange ring(world);
  const std::size_t length = 1 << 20;
  int step = 0;
  const Message own = words_of(world.rank(), 0, length);
  ring.exchange(
      length, [&](std::byte* message) { std::memcpy(message, own.data(), length); },
      [&](const std::byte* message, std::size_t) {
        const int owner = (world.rank() - step++ + world.size()) % world.size();
        const Message words = words_of(owner, 0, length);
        for (int look = 0; look < 3; ++look) {
          EXPECT_EQ(std::memcmp(message, words.data(), length), 0);
          if (world.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
      });
  EXPECT_EQ(step, world.size());
}

TEST(RingExchange, CountsTheSecondsOfWaiting) {
  const Communicator world = Communicator::world();
  RingExchange ring(world);
  EXPECT_EQ(ring.wait_seconds(), 0);
  world.barrier();
  if (world.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  ring.exchange(
      0, [](std::byte*) {}, [](const std::byte*, std::size_t) {});
  if (world.rank() != 0) {
    EXPECT_GT(ring.wait_seconds(), 0.1);
  }
}

TEST(RingExchange, AFailureLeavesTheOthersInStep) {
  const Communicator world = Communicator::world();
  RingExchange ring(world);
  const int failing = world.size() - 1;
  int visits = 0;
  const auto round = [&](bool in_fill) {
    ring.exchange(
        8,
        [&](std::byte*) {
          if (in_fill && world.rank() == failing) throw UserError("fill");
        },
        [&](const std::byte*, std::size_t) {
          ++visits;
          if (!in_fill && world.rank() == failing) throw UserError("visit");
        });
  };
  for (const bool in_fill : {true, false}) {
    visits = 0;
    if (world.rank() == failing) {
      EXPECT_THROW(round(in_fill), UserError);
    } else {
      EXPECT_NO_THROW(round(in_fill));
    }
    EXPECT_EQ(visits, world.rank() != failing ? world.size() : in_fill ? 0 : 1);
  }
  const auto length_of = [](int) { return std::size_t{9}; };
  EXPECT_EQ(seen(ring, words_of(world.rank(), 4, 9)), expected_on(world, 4, length_of));
}

}  // namespace
}  // namespace otfleet::distributed

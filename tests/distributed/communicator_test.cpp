#include "distributed/communicator.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "distributed/error.hpp"

namespace otfleet::distributed {
namespace {

TEST(Communicator, CountsRanks) {
  int rank = -1, size = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const Communicator world = Communicator::world();
  EXPECT_EQ(world.rank(), rank);
  EXPECT_EQ(world.size(), size);
  EXPECT_EQ(world.is_root(), rank == 0);
  const Communicator self = Communicator::self();
  EXPECT_EQ(self.rank(), 0);
  EXPECT_EQ(self.size(), 1);
  EXPECT_TRUE(self.is_root());
}

TEST(Communicator, DuplicatesItsParentAndCopiesShareTheDuplicate) {
  std::optional<Communicator> first = Communicator::world();
  int comparison = MPI_IDENT;
  MPI_Comm_compare(first->handle(), MPI_COMM_WORLD, &comparison);
  EXPECT_EQ(comparison, MPI_CONGRUENT);
  const Communicator copy = *first;
  EXPECT_EQ(copy.handle(), first->handle());
  first.reset();
  EXPECT_EQ(copy.all_reduce(std::int64_t{1}, Reduction::sum), copy.size());  // still alive
}

TEST(Communicator, ReducesElementByElement) {
  const Communicator world = Communicator::world();
  const int p = world.size(), r = world.rank();
  std::vector<double> doubles{1.0 * r, -1.0 * r, 0.5};
  world.all_reduce(std::span<double>(doubles), Reduction::sum);
  EXPECT_EQ(doubles, (std::vector<double>{p * (p - 1) / 2.0, -p * (p - 1) / 2.0, 0.5 * p}));
  std::vector<float> floats{1.0f + r, -1.0f * r};
  world.all_reduce(std::span<float>(floats), Reduction::min);
  EXPECT_EQ(floats, (std::vector<float>{1.0f, -(p - 1.0f)}));
  std::vector<std::int64_t> integers{r, -r};
  world.all_reduce(std::span<std::int64_t>(integers), Reduction::max);
  EXPECT_EQ(integers, (std::vector<std::int64_t>{p - 1, 0}));
  EXPECT_EQ(world.all_reduce(2.0, Reduction::sum), 2.0 * p);
  // No detour through double, which cannot tell 2^62 from 2^62 + 1.
  const std::int64_t large = std::int64_t{1} << 62;
  EXPECT_EQ(world.all_reduce(large + r, Reduction::max), large + p - 1);
}

TEST(Communicator, ReducesNothing) {
  const Communicator world = Communicator::world();
  world.all_reduce(std::span<double>(), Reduction::sum);
  EXPECT_EQ(world.all_reduce(std::int64_t{1}, Reduction::sum), world.size());  // still in step
}

TEST(Communicator, ExclusiveSumAddsLowerRanks) {
  const Communicator world = Communicator::world();
  const std::int64_t r = world.rank();
  EXPECT_EQ(world.exclusive_sum(r + 5), r * (r - 1) / 2 + 5 * r);
}

TEST(Communicator, BroadcastsFromAnyRoot) {
  const Communicator world = Communicator::world();
  for (int root = 0; root < world.size(); ++root) {
    const bool mine = world.rank() == root;
    std::vector<double> doubles(3, mine ? 1.5 + root : 0.0);
    world.broadcast(std::span<double>(doubles), root);
    EXPECT_EQ(doubles, std::vector<double>(3, 1.5 + root));
    std::vector<float> floats(2, mine ? 0.25f : 9.0f);
    world.broadcast(std::span<float>(floats), root);
    EXPECT_EQ(floats, std::vector<float>(2, 0.25f));
    std::vector<std::int64_t> integers(1, mine ? -7 : 7);
    world.broadcast(std::span<std::int64_t>(integers), root);
    EXPECT_EQ(integers, std::vector<std::int64_t>{-7});
  }
}

TEST(Communicator, BroadcastsStringsOfDifferingLengths) {
  const Communicator world = Communicator::world();
  const int root = world.size() - 1;
  const std::string text = std::string("from the last rank\0, zeros too", 30);
  const std::string own(static_cast<std::size_t>(50 + world.rank()), 'x');
  EXPECT_EQ(world.broadcast(world.rank() == root ? text : own, root), text);
  EXPECT_EQ(world.broadcast(world.rank() == root ? std::string() : own, root), "");
}

TEST(Communicator, GathersVectorsOfAnyLengthInRankOrder) {
  const Communicator world = Communicator::world();
  // Rank r sends r values, so that rank 0 sends none.
  std::vector<double> mine(static_cast<std::size_t>(world.rank()), 10.0 * world.rank());
  const std::vector<double> all = world.gather(std::span<const double>(mine));
  std::vector<double> expected;
  for (int r = 0; world.is_root() && r < world.size(); ++r) {
    expected.insert(expected.end(), static_cast<std::size_t>(r), 10.0 * r);
  }
  EXPECT_EQ(all, expected);

  const std::vector<std::int64_t> pair{world.rank(), -world.rank()};
  const std::vector<std::int64_t> pairs = world.gather(std::span<const std::int64_t>(pair));
  std::vector<std::int64_t> expected_pairs;
  for (int r = 0; world.is_root() && r < world.size(); ++r) {
    expected_pairs.insert(expected_pairs.end(), {r, -r});
  }
  EXPECT_EQ(pairs, expected_pairs);
}

TEST(Communicator, AllRanksGetTheValuesOfAll) {
  const Communicator world = Communicator::world();
  const std::int64_t large = std::int64_t{1} << 62;
  std::vector<std::int64_t> expected;
  for (int r = 0; r < world.size(); ++r) expected.push_back(large + r);
  EXPECT_EQ(world.all_gather(large + world.rank()), expected);
}

TEST(Communicator, AgreesOnSuccess) {
  const Communicator world = Communicator::world();
  int runs = 0;
  EXPECT_NO_THROW(world.agree([&] { ++runs; }));
  EXPECT_EQ(runs, 1);
}

/// What `agree` throws when `work` runs: "user: …", "runtime: …", or "nothing".
template <class Work>
std::string outcome(const Communicator& communicator, Work&& work) {
  try {
    communicator.agree(work);
  } catch (const UserError& error) {
    return std::string("user: ") + error.what();
  } catch (const std::runtime_error& error) {
    return std::string("runtime: ") + error.what();
  }
  return "nothing";
}

TEST(Communicator, AgreeThrowsTheErrorOfTheOneRankThatFailed) {
  const Communicator world = Communicator::world();
  for (int failing = 0; failing < world.size(); ++failing) {
    const std::string text = "weights of rank " + std::to_string(failing);
    EXPECT_EQ(outcome(world,
                      [&] {
                        if (world.rank() == failing) throw UserError(text);
                      }),
              "user: " + text);
    EXPECT_EQ(outcome(world,
                      [&] {
                        if (world.rank() == failing) throw std::logic_error(text);
                      }),
              "runtime: " + text);
    EXPECT_EQ(world.all_reduce(std::int64_t{1}, Reduction::sum), world.size());  // still in step
  }
}

TEST(Communicator, AgreeThrowsTheErrorOfTheLowestRank) {
  const Communicator world = Communicator::world();
  const int lowest = world.size() > 1 ? 1 : 0;
  const auto work = [&] {
    if (world.rank() < lowest) return;
    if (world.rank() == lowest) throw std::out_of_range("lowest");
    throw UserError("higher");
  };
  EXPECT_EQ(outcome(world, work), "runtime: lowest");
}

TEST(Communicator, AgreeKnowsForeignExceptions) {
  const Communicator world = Communicator::world();
  EXPECT_EQ(outcome(world, [] { throw 42; }).substr(0, 8), "runtime:");
}

}  // namespace
}  // namespace otfleet::distributed

#include "distributed/gradient_averager.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace otfleet::distributed {
namespace {

void sum(GradientAverager& averager, std::vector<float>& values) {
  averager.begin(values);
  averager.finish();
}

/// Terms that differ from rank to rank and round when they are added.
std::vector<float> terms(std::size_t count, int rank) {
  std::vector<float> result(count);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = 1.0f / (1.0f + static_cast<float>(i) + 0.1f * static_cast<float>(rank));
  return result;
}

TEST(MpiAverager, SumsOverTheRanksInPlace) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  EXPECT_EQ(std::string(averager->name()), "mpi");
  const float p = static_cast<float>(world.size()), r = static_cast<float>(world.rank());
  std::vector<float> gradient{1.0f, r, -2.0f * r, 0.25f};
  const float* before = gradient.data();
  sum(*averager, gradient);
  EXPECT_EQ(gradient.data(), before);
  EXPECT_EQ(gradient, (std::vector<float>{p, p * (p - 1) / 2, -p * (p - 1), 0.25f * p}));
}

TEST(MpiAverager, GivesEveryRankTheSameBits) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  for (const std::size_t count : {1, 1001, 300'000}) {
    std::vector<float> gradient = terms(count, world.rank());
    sum(*averager, gradient);
    std::vector<float> of_root = gradient;
    world.broadcast(std::span<float>(of_root));
    EXPECT_EQ(gradient, of_root);
    double expected = 0;
    for (int rank = 0; rank < world.size(); ++rank) expected += 1.0 / (1.0 + 0.1 * rank);
    EXPECT_NEAR(gradient[0], expected, 1e-6);
  }
}

/// Pieces of odd sizes, of one element, of none, and too large to be sent before they are awaited.
TEST(MpiAverager, SumsPieceByPiece) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  const std::vector<std::size_t> begins = {99'999, 99'998, 99'998, 99'221, 1, 0};
  for (int step = 0; step < 3; ++step) {
    std::vector<float> gradient = terms(100'003, world.rank() + step);
    std::vector<double> expected(gradient.size(), 0);
    for (int rank = 0; rank < world.size(); ++rank) {
      const auto theirs = terms(gradient.size(), rank + step);
      for (std::size_t i = 0; i < theirs.size(); ++i) expected[i] += theirs[i];
    }
    std::size_t end = gradient.size();
    for (const std::size_t begin : begins) {
      averager->begin(std::span(gradient).subspan(begin, end - begin));
      end = begin;
      // Ranks look after their pieces as often as they like.
      for (int times = 0; times < world.rank(); ++times) averager->progress();
    }
    averager->finish();
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(gradient[i], expected[i], 1e-6 * expected[i]) << i;
    if (world.size() > 2) continue;
    // Two terms have one sum: pieces change no bit.
    std::vector<float> whole = terms(gradient.size(), world.rank() + step);
    sum(*averager, whole);
    EXPECT_EQ(gradient, whole);
  }
}

TEST(MpiAverager, CanBeUsedAgainAndOnNothing) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  averager->finish();
  averager->progress();
  averager->begin({});
  averager->finish();
  std::vector<float> gradient{1.0f};
  sum(*averager, gradient);
  sum(*averager, gradient);
  EXPECT_EQ(gradient[0], static_cast<float>(world.size() * world.size()));
}

TEST(MpiAverager, RefusesPiecesOutOfOrder) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  std::vector<float> gradient(9, 1.0f);
  const auto piece = [&](std::size_t begin, std::size_t end) {
    return std::span(gradient).subspan(begin, end - begin);
  };
  averager->begin(piece(6, 9));
  EXPECT_THROW(averager->begin(piece(6, 9)), std::logic_error);  // twice
  EXPECT_THROW(averager->begin(piece(0, 3)), std::logic_error);  // leaves a gap
  EXPECT_THROW(averager->begin(piece(4, 7)), std::logic_error);  // overlaps
  averager->begin(piece(3, 6));
  averager->finish();
  const float p = static_cast<float>(world.size());
  EXPECT_EQ(gradient, (std::vector<float>{1, 1, 1, p, p, p, p, p, p}));
}

TEST(MpiAverager, RefusesOtherThreads) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  std::vector<float> gradient(3, 1.0f);
  std::thread([&] {
    EXPECT_THROW(averager->begin(gradient), std::logic_error);
    EXPECT_THROW(averager->progress(), std::logic_error);
    EXPECT_THROW(averager->finish(), std::logic_error);
  }).join();
  sum(*averager, gradient);
  EXPECT_EQ(gradient, std::vector<float>(3, static_cast<float>(world.size())));
}

}  // namespace
}  // namespace otfleet::distributed

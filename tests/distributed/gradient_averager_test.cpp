#include "distributed/gradient_averager.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace otfleet::distributed {
namespace {

TEST(MpiAverager, SumsOverTheRanksInPlace) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  EXPECT_EQ(std::string(averager->name()), "mpi");
  const float p = static_cast<float>(world.size()), r = static_cast<float>(world.rank());
  std::vector<float> gradient{1.0f, r, -2.0f * r, 0.25f};
  const float* before = gradient.data();
  averager->sum(gradient);
  EXPECT_EQ(gradient.data(), before);
  EXPECT_EQ(gradient, (std::vector<float>{p, p * (p - 1) / 2, -p * (p - 1), 0.25f * p}));
}

TEST(MpiAverager, GivesEveryRankTheSameBits) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  std::vector<float> gradient(1001);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = 1.0f / (1.0f + static_cast<float>(i) + 0.1f * static_cast<float>(world.rank()));
  }
  averager->sum(gradient);
  std::vector<float> of_root = gradient;
  world.broadcast(std::span<float>(of_root));
  EXPECT_EQ(gradient, of_root);
  double expected = 0;
  for (int rank = 0; rank < world.size(); ++rank) expected += 1.0 / (1.0 + 0.1 * rank);
  EXPECT_NEAR(gradient[0], expected, 1e-6);
}

TEST(MpiAverager, CanBeUsedAgainAndOnNothing) {
  const Communicator world = Communicator::world();
  const auto averager = make_mpi_averager(world);
  averager->sum({});
  std::vector<float> gradient{1.0f};
  averager->sum(gradient);
  averager->sum(gradient);
  EXPECT_EQ(gradient[0], static_cast<float>(world.size() * world.size()));
}

}  // namespace
}  // namespace otfleet::distributed

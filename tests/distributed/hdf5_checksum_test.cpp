#include "distributed/hdf5_checksum.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "tests/distributed/test_folder.hpp"
#include "tests/distributed/throws.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;

/// Sealing is local: every rank has files of its own.
class Hdf5ChecksumTest : public testing::Test {
 protected:
  fs::path mine(const std::string& name) const {
    return folder_ / (name + std::to_string(communicator_.rank()));
  }

  static void fill(Hdf5File& file, float last = 3, std::int64_t step = 7,
                   const std::string& job = "a job") {
    file.create_group("/group");
    file.set_attribute("/group", "step", step);
    file.set_attribute("/", "job", job);
    file.write<float>("/group/floats", {2, 2}, std::vector<float>{0, 1, -2.5f, last});
    file.write<double>("/doubles", {3}, std::vector<double>{1e300, -0.0, 0.1});
    file.write<std::int32_t>("/group/integers", {2}, std::vector<std::int32_t>{-1, 5});
    file.write<double>("/empty", {0, 4}, std::vector<double>{});
  }

  template <class... Values>
  std::string checksum_of(const std::string& name, const Values&... values) const {
    auto file = Hdf5File::create(mine(name));
    fill(file, values...);
    file.close();
    return content_checksum(Hdf5File::open(mine(name)));
  }

  fs::path sealed(const std::string& name) const {
    auto file = Hdf5File::create(mine(name));
    fill(file);
    seal(file);
    file.close();
    return mine(name);
  }

  Communicator communicator_ = Communicator::world();
  test::TestFolder folder_{communicator_};
};

TEST_F(Hdf5ChecksumTest, DependsOnEveryValueAndOnNothingElse) {
  const auto checksum = checksum_of("first");
  EXPECT_EQ(checksum.size(), 8u);
  EXPECT_EQ(checksum_of("second"), checksum);
  EXPECT_NE(checksum_of("value", 3.0000002f), checksum);
  EXPECT_NE(checksum_of("number", 3.0f, 8), checksum);
  EXPECT_NE(checksum_of("text", 3.0f, 7, "a jab"), checksum);
  auto file = Hdf5File::create(mine("shape"));
  fill(file);
  file.write<double>("/more", {0}, std::vector<double>{});
  file.close();
  EXPECT_NE(content_checksum(Hdf5File::open(mine("shape"))), checksum);
}

TEST_F(Hdf5ChecksumTest, SealedFilesPassAndUnsealedOnesToo) {
  check_seal(Hdf5File::open(sealed("sealed")));
  auto file = Hdf5File::create(mine("unsealed"));
  fill(file);
  file.close();
  check_seal(Hdf5File::open(mine("unsealed")));
}

TEST_F(Hdf5ChecksumTest, AFlippedBitIsNoticed) {
  const fs::path whole = sealed("whole"), damaged = mine("damaged");
  std::ifstream stream(whole, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const float value = -2.5f;
  const auto at = bytes.find(std::string(reinterpret_cast<const char*>(&value), sizeof value));
  ASSERT_NE(at, std::string::npos);
  std::mt19937 random(3);
  for (int trial = 0; trial < 32; ++trial) {
    std::string flipped = bytes;
    flipped[at + random() % sizeof value] ^= static_cast<char>(1 << random() % 8);
    std::ofstream(damaged, std::ios::binary) << flipped;
    OTFLEET_EXPECT_USER_ERROR(check_seal(Hdf5File::open(damaged)), damaged.string());
  }
}

}  // namespace
}  // namespace otfleet::distributed

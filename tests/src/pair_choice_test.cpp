#include "src/populations/pair_choice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using Pair = std::pair<int, int>;
using Pairs = std::vector<Pair>;

PairSides measures(std::int64_t sources, std::int64_t targets = 0) {
  return {sources, targets == 0 ? sources : targets, targets == 0};
}

Pairs chosen(const PairSides& sides, const MakeOptions& make, std::int64_t count = 5,
             std::uint64_t seed = 1, const std::string& remark = "") {
  const auto found = choose_pairs(sides, make, {count, "make.test_problems", seed, 2});
  EXPECT_EQ(found.remark, remark);
  Pairs pairs;
  for (std::size_t p = 0; p < found.source.size(); ++p)
    pairs.emplace_back(found.source[p], found.target[p]);
  return pairs;
}

TEST(PairChoice, RandomPairsComeOnceUnlessAskedFor) {
  MakeOptions make;
  for (const auto& sides : {measures(20), measures(15, 25)}) {
    const auto pairs = chosen(sides, make, 300);
    EXPECT_EQ(pairs.size(), 300u);
    EXPECT_EQ(std::set<Pair>(pairs.begin(), pairs.end()).size(), 300u);
    if (sides.shared) {
      EXPECT_TRUE(std::none_of(pairs.begin(), pairs.end(),
                               [](const Pair& pair) { return pair.first == pair.second; }));
    }
    const auto fewer = chosen(sides, make, 100);
    EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), pairs.begin()));
    EXPECT_NE(chosen(sides, make, 300, 2), pairs);
  }
  make.repeat_pairs = true;
  const auto repeated = chosen(measures(20), make, 1000);
  EXPECT_EQ(repeated.size(), 1000u);
  EXPECT_LE(std::set<Pair>(repeated.begin(), repeated.end()).size(), 380u);
}

TEST(PairChoice, AllThatExistAreTakenWhereMoreAreAskedFor) {
  const MakeOptions make;
  const auto pairs = chosen(
      measures(4), make, 100, 1,
      "make.test_problems = 100, but 4 and 4 measures make 12 different pairs: each is taken "
      "once (make.repeat_pairs = true repeats them)");
  EXPECT_EQ(std::set<Pair>(pairs.begin(), pairs.end()).size(), 12u);
  EXPECT_EQ(pairs.size(), 12u);
  EXPECT_EQ(chosen(measures(3, 2), make, 6).size(), 6u);
  EXPECT_EQ(chosen(measures(1), make, 1), (Pairs{{0, 0}}));
}

TEST(PairChoice, OneMeasureWithAllOthers) {
  MakeOptions make;
  make.pairs.kind = PairKind::one_to_all;
  EXPECT_EQ(chosen(measures(4), make), (Pairs{{0, 1}, {0, 2}, {0, 3}}));
  make.pairs.one = 2;
  EXPECT_EQ(chosen(measures(4), make), (Pairs{{2, 0}, {2, 1}, {2, 3}}));
  EXPECT_EQ(chosen(measures(3, 3), make), (Pairs{{2, 0}, {2, 1}, {2, 2}}));
  make.pairs.one = 4;
  testing::expect_error([&] { chosen(measures(4), make); }, "make.pairs.one = 4",
                        "there are 4 source measures");
}

TEST(PairChoice, EqualNumbers) {
  MakeOptions make;
  make.pairs.kind = PairKind::one_to_one;
  EXPECT_EQ(chosen(measures(3, 3), make), (Pairs{{0, 0}, {1, 1}, {2, 2}}));
  EXPECT_EQ(chosen(measures(5), make), (Pairs{{0, 1}, {2, 3}}));
  testing::expect_error([&] { chosen(measures(3, 2), make); }, "make.pairs = 'one_to_one'",
                        "3 sources and 2 targets", "use 'all'");
}

TEST(PairChoice, AllPairs) {
  MakeOptions make;
  make.pairs.kind = PairKind::all_pairs;
  EXPECT_EQ(chosen(measures(3), make), (Pairs{{0, 1}, {0, 2}, {1, 2}}));
  EXPECT_EQ(chosen(measures(2, 2), make), (Pairs{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
  testing::expect_error([&] { chosen(measures(100000), make); }, "make.pairs = 'all'",
                        "more than 1e9");
}

TEST(PairChoice, PairsOfAFile) {
  const testing::TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& shape,
                         const std::vector<double>& values) {
    testing::write_bytes(
        folder / name, testing::npy(testing::npy_header("<f8", shape), testing::bytes_of(values)));
    MakeOptions make;
    make.pairs.file = folder / name;
    return make;
  };
  EXPECT_EQ(chosen(measures(3), write("pairs.npy", "(3, 2)", {2, 0, 1, 1, 2, 0})),
            (Pairs{{2, 0}, {1, 1}, {2, 0}}));
  EXPECT_EQ(chosen(measures(2, 9), write("sides.npy", "(1, 2)", {1, 8})), (Pairs{{1, 8}}));
  const auto refused = [&](const MakeOptions& make, const std::string& text) {
    testing::expect_error([&] { chosen(measures(3), make); }, ".npy", text);
  };
  refused(write("far.npy", "(2, 2)", {0, 1, 0, 3}), "pair 1 names target measure 3; there are 3");
  refused(write("negative.npy", "(1, 2)", {-1, 1}), "pair 0 names source measure -1");
  refused(write("half.npy", "(1, 2)", {0.5, 1}), "pair 0 names source measure 0.5");
  refused(write("wide.npy", "(1, 3)", {0, 1, 2}), "pairs must have shape [P, 2], not [1, 3]");
}

}  // namespace
}  // namespace otfleet

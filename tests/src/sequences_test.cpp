#include "src/populations/sequences.hpp"

#include <gtest/gtest.h>

#include "src/populations/population_view.hpp"
#include "src/populations/split_pairs.hpp"
#include "src/runs/work_units.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using testing::expect_error;
using testing::TemporaryFolder;
using Integers = std::vector<std::int64_t>;

/// As pairs, so that they compare.
std::vector<std::pair<std::int64_t, std::int64_t>> ranges(const std::vector<Shard>& shards) {
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  result.reserve(shards.size());
  for (const Shard one : shards) result.emplace_back(one.begin, one.end);
  return result;
}

TEST(Sequences, AreReadAsTheyWereWritten) {
  const TemporaryFolder folder;
  auto clouds = testing::cloud_population(4, 5, 6, false);
  auto grids = testing::blob_population(4, 3, 6);
  const auto clouds_before = clouds.content_fingerprint(),
             grids_before = grids.content_fingerprint();
  clouds.sequence = grids.sequence = {7, 7, 7, -1, 2, 2};
  write_cloud_population(folder / "clouds.h5", clouds);
  write_population(folder / "grids.h5", grids);
  const auto read_clouds = read_cloud_population(folder / "clouds.h5");
  const auto read_grids = read_population(folder / "grids.h5");
  EXPECT_EQ(read_clouds.sequence, clouds.sequence);
  EXPECT_EQ(read_grids.sequence, grids.sequence);
  // Solutions depend on them: an unfinished solve of the population without is of another job.
  EXPECT_NE(read_clouds.content_fingerprint(), clouds_before);
  EXPECT_NE(read_grids.content_fingerprint(), grids_before);
  const auto seen = PopulationView(read_clouds).sequence();
  EXPECT_EQ(Integers(seen.begin(), seen.end()), clouds.sequence);

  clouds.sequence = {};
  write_cloud_population(folder / "none.h5", clouds);
  EXPECT_TRUE(read_cloud_population(folder / "none.h5").sequence.empty());
  EXPECT_EQ(read_cloud_population(folder / "none.h5").content_fingerprint(), clouds_before);
}

TEST(Sequences, RefuseWhatHasNoOrder) {
  const TemporaryFolder folder;
  auto population = testing::cloud_population(4, 5, 6, true);
  population.sequence = {0, 0, 1, 1, 0, 0};
  write_cloud_population(folder / "torn.h5", population);
  expect_error([&] { read_cloud_population(folder / "torn.h5"); },
               "torn.h5: /problems/sequence: problems 1 and 4 are of sequence 0",
               "sort the problems by sequence");
  population.sequence = {0, 0, 1};
  write_cloud_population(folder / "short.h5", population);
  expect_error([&] { read_cloud_population(folder / "short.h5"); },
               "/problems/sequence has 3 entries for 6 problems");
  auto grids = testing::blob_population(4, 3, 3);
  grids.sequence = {4, 5, 4};
  write_population(folder / "grids.h5", grids);
  expect_error([&] { read_population(folder / "grids.h5"); }, "problems 0 and 2 are of sequence 4");
}

TEST(Sequences, OffsetsSayWhereEachBegins) {
  EXPECT_EQ(sequence_offsets(Integers{}), Integers());
  EXPECT_EQ(sequence_offsets(Integers{5}), (Integers{0, 1}));
  EXPECT_EQ(sequence_offsets(Integers{3, 3, 1, 1, 1, 9}), (Integers{0, 2, 5, 6}));
  EXPECT_EQ(equal_sequences(5, 2), (Integers{0, 0, 1, 1, 2}));
  EXPECT_EQ(equal_sequences(5, 0), Integers());
}

TEST(Sequences, MakeNumbersPairs) {
  Job job;
  job.make.pairs.kind = PairKind::all_pairs;
  job.make.sequence_length = 3;
  auto population = testing::blob_population(4, 4, 1);
  add_pairs(population, job, Split::test, nullptr);
  EXPECT_EQ(population.sequence, (Integers{0, 0, 0, 1, 1, 1}));
}

TEST(WorkUnits, AreProblemsWithoutSequences) {
  const WorkUnits units({{2, 5}, {8, 9}}, {});
  EXPECT_FALSE(units.are_sequences());
  EXPECT_EQ(units.count(), 4);
  EXPECT_EQ(units.about(3), 3);
  EXPECT_EQ(ranges(units.problems_of({2, 4})), ranges({{4, 5}, {8, 9}}));
}

TEST(WorkUnits, AreWhatIsLeftOfEverySequence) {
  // Sequences 0 … 3, 4, 5 … 9; problems 2 … 4, 6, 8 and 9 are left.
  const Integers offsets = {0, 4, 5, 10};
  const WorkUnits units({{2, 5}, {6, 7}, {8, 10}}, offsets);
  ASSERT_TRUE(units.are_sequences());
  ASSERT_EQ(units.count(), 3);
  EXPECT_EQ(units.problems(), 6);
  EXPECT_EQ(ranges(units.problems_of({0, 1})), ranges({{2, 4}}));
  EXPECT_EQ(ranges(units.problems_of({1, 2})), ranges({{4, 5}}));
  EXPECT_EQ(ranges(units.problems_of({2, 3})), ranges({{6, 7}, {8, 10}}));
  EXPECT_EQ(ranges(units.problems_of({0, 3})), ranges({{2, 5}, {6, 7}, {8, 10}}));
  EXPECT_EQ(units.about(1), 1);
  EXPECT_EQ(units.about(4), 2);
}

TEST(WorkUnits, SharesDivideNoSequence) {
  const Integers offsets = {0, 7, 8, 9, 20, 21};
  for (const int count : {1, 2, 3, 4, 9}) {
    std::int64_t covered = 0;
    for (int index = 0; index < count; ++index) {
      const Shard share = share_of_problems(21, offsets, index, count);
      EXPECT_EQ(share.begin, covered);
      EXPECT_NE(std::find(offsets.begin(), offsets.end(), share.end), offsets.end()) << share.end;
      covered = share.end;
    }
    EXPECT_EQ(covered, 21);
  }
  const Shard plain = share_of_problems(21, {}, 1, 2);
  EXPECT_EQ(plain.begin, 11);
  EXPECT_EQ(plain.end, 21);
  // About as much in each: 9 and 12 problems.
  EXPECT_EQ(share_of_problems(21, offsets, 0, 2).size(), 9);
}

}  // namespace
}  // namespace otfleet

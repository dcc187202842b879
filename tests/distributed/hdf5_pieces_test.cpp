#include "distributed/detail/hdf5_pieces.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

namespace otfleet::distributed::detail {
namespace {

hsize_t volume(const Piece& piece) {
  return std::accumulate(piece.count.begin(), piece.count.end(), hsize_t{1},
                         std::multiplies<hsize_t>());
}

/// Position in a row-major array of `shape`.
hsize_t position(const std::vector<std::int64_t>& shape, const std::vector<hsize_t>& index) {
  hsize_t at = 0;
  for (std::size_t d = 0; d < shape.size(); ++d)
    at = at * static_cast<hsize_t>(shape[d]) + index[d];
  return at;
}

TEST(SplitRows, OnePieceWhenAllFits) {
  const auto pieces = split_rows({10, 3}, {2, 7}, 8, 1000);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].start, (std::vector<hsize_t>{2, 0}));
  EXPECT_EQ(pieces[0].count, (std::vector<hsize_t>{5, 3}));
  EXPECT_EQ(pieces[0].offset, 0u);
}

TEST(SplitRows, NothingToMoveGivesNoPiece) {
  EXPECT_TRUE(split_rows({10, 3}, {4, 4}, 8, 1000).empty());
  EXPECT_TRUE(split_rows({10, 0}, {0, 10}, 8, 1000).empty());
  EXPECT_TRUE(split_rows({0}, {0, 0}, 8, 1000).empty());
}

TEST(SplitRows, NoDimensionsGivesOneWholePiece) {
  const auto pieces = split_rows({}, {0, 0}, 8, 1000);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_TRUE(pieces[0].count.empty());
}

TEST(SplitRows, KeepsGigabytePiecesUnderTheLimit) {
  const std::size_t limit = std::size_t{512} << 20;
  const auto pieces = split_rows({4, std::int64_t{1} << 29}, {1, 3}, 8, limit);
  EXPECT_EQ(pieces.size(), 16u);  // two rows of 4 GiB
  for (const Piece& piece : pieces) EXPECT_EQ(volume(piece) * 8, limit);
}

// Every limit, from one value to all: the pieces tile the rows in order, each one a run of the
// array no longer than the limit.
TEST(SplitRows, TilesTheRowsInOrder) {
  const std::vector<std::int64_t> shape{5, 3, 4, 2};
  const Shard rows{1, 4};
  const hsize_t row = 3 * 4 * 2;
  for (std::size_t values = 1; values <= 3 * row + 1; ++values) {
    std::size_t covered = 0;
    for (const Piece& piece : split_rows(shape, rows, 4, values * 4)) {
      EXPECT_LE(volume(piece), values);
      EXPECT_EQ(piece.offset, covered);
      EXPECT_EQ(position(shape, piece.start), row + covered);
      std::vector<hsize_t> last = piece.start;
      for (std::size_t d = 0; d < last.size(); ++d) last[d] += piece.count[d] - 1;
      EXPECT_EQ(position(shape, last), row + covered + volume(piece) - 1);
      covered += volume(piece);
    }
    EXPECT_EQ(covered, 3 * row) << "limit of " << values << " values";
  }
}

TEST(SplitRows, LimitBelowOneValueStillMoves) {
  EXPECT_EQ(split_rows({3}, {0, 3}, 8, 1).size(), 3u);
}

}  // namespace
}  // namespace otfleet::distributed::detail

#pragma once
#include <hdf5.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "distributed/shard.hpp"

namespace otfleet::distributed::detail {

/// One box of a dataset that lies in one run of a row-major array.
struct Piece {
  std::vector<hsize_t> start, count;  ///< empty for a dataset without dimensions
  std::size_t offset = 0;             ///< values of the array before it
};

/// Cuts rows [rows.begin, rows.end) of a dataset of `shape` into pieces of at most `limit` bytes
/// (one value at least), in row-major order: MPI-IO counts bytes in an int. Cuts run along the
/// first dimension whose slices fit. No rows, or no values in a row: no piece. Local.
inline std::vector<Piece> split_rows(const std::vector<std::int64_t>& shape, Shard rows,
                                     std::size_t bytes_per_value, std::size_t limit) {
  if (shape.empty()) return {Piece{}};
  std::vector<hsize_t> extent(shape.begin(), shape.end());
  extent[0] = static_cast<hsize_t>(std::max<std::int64_t>(rows.size(), 0));
  if (std::find(extent.begin(), extent.end(), 0) != extent.end()) return {};

  const hsize_t values_allowed = std::max<std::size_t>(limit / bytes_per_value, 1);
  // Values per step of 1 along dimension `cut`; the last dimension always fits.
  std::size_t cut = extent.size() - 1;
  hsize_t slice = 1;
  while (cut > 0 && extent[cut] <= values_allowed / slice) slice *= extent[cut--];
  const hsize_t step = std::min(values_allowed / slice, extent[cut]);

  std::vector<Piece> pieces;
  std::vector<hsize_t> outer(extent.size(), 0);  // index over the dimensions before `cut`
  std::size_t offset = 0;
  while (true) {
    for (hsize_t begin = 0; begin < extent[cut]; begin += step) {
      Piece piece{outer, std::vector<hsize_t>(extent.size(), 1), offset};
      piece.start[cut] = begin;
      piece.count[cut] = std::min(step, extent[cut] - begin);
      std::copy(extent.begin() + cut + 1, extent.end(), piece.count.begin() + cut + 1);
      piece.start[0] += static_cast<hsize_t>(rows.begin);
      offset += piece.count[cut] * slice;
      pieces.push_back(std::move(piece));
    }
    std::size_t dimension = cut;
    while (dimension > 0 && ++outer[dimension - 1] == extent[dimension - 1]) {
      outer[--dimension] = 0;
    }
    if (dimension == 0) return pieces;
  }
}

}  // namespace otfleet::distributed::detail

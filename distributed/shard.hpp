#pragma once
#include <algorithm>
#include <cstdint>

namespace otfleet::distributed {

/// The half-open range [begin, end) of instances that one rank owns.
struct Shard {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// Splits `count` instances into `ranks` contiguous shards whose sizes differ by at most one, the
/// larger ones first; ranks beyond `count` get an empty shard. Local.
inline Shard block_shard(std::int64_t count, int rank, int ranks) {
  const std::int64_t share = count / ranks, extra = count % ranks;
  const std::int64_t begin = rank * share + std::min<std::int64_t>(rank, extra);
  return {begin, begin + share + (rank < extra ? 1 : 0)};
}

}  // namespace otfleet::distributed

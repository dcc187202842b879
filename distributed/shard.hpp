#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

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

/// Splits instances of known work (all > 0) into `ranks` contiguous shards of about equal work: a
/// shard ends with the instance in whose middle or before it its share of the whole is reached.
/// No shard has more work than its share and one instance. Local.
inline Shard work_shard(std::span<const double> work, int rank, int ranks) {
  double total = 0;
  for (const double w : work) total += w;
  const auto first_of = [&](int r) {
    double before = 0;
    std::int64_t k = 0;
    for (; k < static_cast<std::int64_t>(work.size()); ++k) {
      if (r < ranks && (before + work[k] / 2) * ranks >= total * r) break;
      before += work[k];
    }
    return k;
  };
  return {first_of(rank), first_of(rank + 1)};
}

}  // namespace otfleet::distributed

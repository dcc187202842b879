#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

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

/// What of `all` none of `taken` (any order, they may overlap) covers: ascending, disjoint. Local.
inline std::vector<Shard> uncovered(Shard all, std::vector<Shard> taken) {
  std::sort(taken.begin(), taken.end(), [](Shard a, Shard b) { return a.begin < b.begin; });
  std::vector<Shard> left;
  for (const Shard one : taken) {
    if (one.size() <= 0) continue;
    if (const std::int64_t end = std::min(one.begin, all.end); all.begin < end)
      left.push_back({all.begin, end});
    all.begin = std::max(all.begin, one.end);
  }
  if (all.begin < all.end) left.push_back(all);
  return left;
}

inline std::int64_t total_size(std::span<const Shard> shards) {
  std::int64_t total = 0;
  for (const Shard one : shards) total += one.size();
  return total;
}

/// The instances of `shards` from number `part.begin` up to before number `part.end`, counted
/// through. Local.
inline std::vector<Shard> slice(std::span<const Shard> shards, Shard part) {
  std::vector<Shard> result;
  std::int64_t before = 0;
  for (const Shard one : shards) {
    const Shard piece{one.begin + std::max<std::int64_t>(part.begin - before, 0),
                      std::min(one.end, one.begin + part.end - before)};
    if (piece.begin < piece.end) result.push_back(piece);
    before += one.size();
  }
  return result;
}

}  // namespace otfleet::distributed

#include "src/runs/work_units.hpp"

#include <algorithm>
#include <utility>

namespace otfleet {

using distributed::Shard;

WorkUnits::WorkUnits(std::vector<Shard> left, std::span<const std::int64_t> sequences)
    : left_(std::move(left)) {
  if (sequences.empty()) return;
  begins_ = {0};
  std::int64_t open = -1;  // the sequence of the last unit
  for (const Shard shard : left_)
    for (std::int64_t begin = shard.begin; begin < shard.end;) {
      const auto next = std::upper_bound(sequences.begin(), sequences.end(), begin);
      const std::int64_t sequence = next - sequences.begin();
      const std::int64_t end = std::min(shard.end, *next);
      if (sequence != std::exchange(open, sequence)) begins_.push_back(begins_.back());
      begins_.back() += end - begin;
      begin = end;
    }
}

std::int64_t WorkUnits::count() const {
  return are_sequences() ? static_cast<std::int64_t>(begins_.size()) - 1 : problems();
}

std::int64_t WorkUnits::about(std::int64_t problems) const {
  if (!are_sequences()) return std::max<std::int64_t>(problems, 1);
  const double share = static_cast<double>(count()) /
                       static_cast<double>(std::max<std::int64_t>(this->problems(), 1));
  return std::max<std::int64_t>(static_cast<std::int64_t>(static_cast<double>(problems) * share),
                                1);
}

std::vector<Shard> WorkUnits::problems_of(Shard units) const {
  if (!are_sequences()) return distributed::slice(left_, units);
  const auto begin_of = [&](std::int64_t unit) { return begins_[static_cast<std::size_t>(unit)]; };
  return distributed::slice(left_, {begin_of(units.begin), begin_of(units.end)});
}

Shard share_of_problems(std::int64_t problems, std::span<const std::int64_t> sequences, int index,
                        int count) {
  if (sequences.empty()) return distributed::block_shard(problems, index, count);
  // The sequence in whose middle or before it the share begins is the first that it has whole.
  const auto begin_of = [&](int part) {
    const std::int64_t wanted =
        distributed::block_shard(problems, std::min(part, count - 1), count).begin;
    if (part >= count) return problems;
    std::size_t s = 0;
    while (s + 1 < sequences.size() && (sequences[s] + sequences[s + 1]) / 2 < wanted) ++s;
    return sequences[s];
  };
  return {begin_of(index), begin_of(index + 1)};
}

}  // namespace otfleet

#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "distributed/shard.hpp"

namespace otfleet {

/// What ranks share out of the problems that are left to solve: each problem, or whole sequences of
/// problems that one rank solves in order. Units are counted from 0. Local.
class WorkUnits {
 public:
  /// `left`: ascending and disjoint. `sequences`: where each begins and the last ends [S + 1];
  /// empty where every problem is a unit. Of a sequence only what is left is in its unit.
  WorkUnits(std::vector<distributed::Shard> left, std::span<const std::int64_t> sequences);

  std::int64_t count() const;
  std::int64_t problems() const { return distributed::total_size(left_); }
  bool are_sequences() const { return !begins_.empty(); }
  /// As many units as have about so many problems, one at least.
  std::int64_t about(std::int64_t problems) const;
  /// The problems of some units.
  std::vector<distributed::Shard> problems_of(distributed::Shard units) const;

 private:
  std::vector<distributed::Shard> left_;
  std::vector<std::int64_t> begins_;  ///< [units + 1], in problems counted through; or empty
};

/// The problems of share `index` of `count`: about as many in each, no sequence divided. Local.
distributed::Shard share_of_problems(std::int64_t problems, std::span<const std::int64_t> sequences,
                                     int index, int count);

}  // namespace otfleet

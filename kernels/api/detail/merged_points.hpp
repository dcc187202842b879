#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/api/low_rank.hpp"
#include "kernels/counter_random.hpp"

namespace otfleet::kernels::detail {

/// A measure whose points differ, in a random order: equal ones are one, and those without weight
/// are left out.
struct MergedPoints {
  std::vector<double> weights;  ///< [N], add up to 1
  std::vector<double> points;   ///< [N, d]
  std::size_t given = 0;        ///< points of the measure

  /// The given points that point j stands for.
  std::span<const std::int64_t> members(std::size_t j) const {
    return std::span(which_).subspan(begin_[j], begin_[j + 1] - begin_[j]);
  }
  /// One of them, by its weight; u is uniform in [0, 1).
  std::int64_t member(std::size_t j, double u) const;

 private:
  friend MergedPoints merge_points(const WeightedPoints& measure, std::size_t d,
                                   const CounterRandom& random);
  std::vector<std::int64_t> which_;
  std::vector<double> shares_;  ///< of which_, the weight before it in its point, as a share
  std::vector<std::size_t> begin_ = {0};
};

/// Throws std::invalid_argument: sizes that do not fit, a measure without weight.
MergedPoints merge_points(const WeightedPoints& measure, std::size_t d,
                          const CounterRandom& random);

}  // namespace otfleet::kernels::detail

#pragma once
#include <cstdint>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/api/pair_draws.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// Draws training problems, on the device. Sample number s (counted over the whole run, not per
/// rank) is the same on any number of ranks: a problem of the population, drawn with replacement,
/// and with `augment` (grids only) each of its measures moved by a random whole number of points
/// along every axis, at most `max_shift` and never over the edge. A moved digit is a digit that the
/// data might have held; costs between digits depend on where they lie.
class PairSampler {
 public:
  static constexpr int max_shift = 3;

  /// Draws from `problems`, a range of the population's problems that must not be empty. Keeps a
  /// reference to the population. Memory: on a GPU the measures; 40 bytes for each of them.
  PairSampler(const Population& population, distributed::Shard problems, std::int64_t seed,
              bool augment);

  /// Rows of a [B, n] and b [B, m] become samples first … first + B − 1, each of mass 1. Does not
  /// wait. Local.
  void draw(std::int64_t first, const DeviceArray<double, 2>& a,
            const DeviceArray<double, 2>& b) const;

  /// No positive weight of a sample is smaller.
  double smallest_weight() const { return smallest_weight_; }

 private:
  kernels::DrawnSide side_of(const std::vector<double>& weights, std::int64_t measures,
                             std::int64_t points);

  std::vector<int> shape_;  ///< of the grid; empty: no augmentation
  double smallest_weight_ = 1;
  kernels::DrawnProblems from_;
  kernels::CounterRandom problem_numbers_, shift_numbers_;
};

}  // namespace otfleet

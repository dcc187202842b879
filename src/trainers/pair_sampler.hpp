#pragma once
#include <cstdint>
#include <vector>

#include "distributed/random.hpp"
#include "distributed/shard.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// Draws training problems. Sample number s (counted over the whole run, not per rank) is the same
/// on any number of ranks: a problem of the population, drawn with replacement, and with
/// `augment` (grids only) each of its measures moved by a random whole number of points along every
/// axis, at most `max_shift` and never over the edge. A moved digit is a digit that the data might
/// have held; costs between digits depend on where they lie.
class PairSampler {
 public:
  static constexpr int max_shift = 3;

  /// Draws from `problems`, a range of the population's problems that must not be empty.
  PairSampler(const Population& population, distributed::Shard problems, std::int64_t seed,
              bool augment);

  /// Fills rows 0 … count − 1 of a [.., n] and b [.., m] with samples first … first + count − 1,
  /// each of mass 1. Host memory.
  void fill(std::int64_t first, std::int64_t count, double* a, double* b) const;

 private:
  /// The smallest and largest coordinate of a measure's support, per axis.
  struct Box {
    int low[3], high[3];
  };

  void copy(const double* measure, const Box& box, std::uint64_t counter, std::int64_t points,
            double* to) const;
  static Box box_of(const double* measure, const std::vector<int>& shape);

  const Population& population_;
  distributed::Shard problems_;
  distributed::CounterRandom draws_, shifts_;
  std::vector<int> shape_;  ///< of the grid; empty: no augmentation
  std::vector<Box> source_boxes_, target_boxes_;
};

}  // namespace otfleet

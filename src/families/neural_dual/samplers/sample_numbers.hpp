#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>

#include "kernels/counter_random.hpp"

namespace otfleet {

/// The random numbers of one sample, one after the other. `most` is the same for all samples of a
/// stream and bounds the numbers that one takes (a normal counts as one, the last of an odd number
/// of normals as two), so that no two samples share any.
class SampleNumbers {
 public:
  SampleNumbers(const kernels::CounterRandom& random, std::int64_t sample, std::int64_t most)
      : random_(random),
        counter_(static_cast<std::uint64_t>(sample) * static_cast<std::uint64_t>(most)) {}

  /// In [0, 1).
  double uniform() { return random_.uniform(counter_++); }

  /// In {0, …, bound − 1}.
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound, counter_++); }

  /// Standard normal, by Box & Muller (1958): two uniforms make two normals.
  double normal() {
    if (has_second_) {
      has_second_ = false;
      return second_;
    }
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 − u is never 0
    const double angle = 2 * std::numbers::pi * uniform();
    second_ = radius * std::sin(angle);
    has_second_ = true;
    return radius * std::cos(angle);
  }

 private:
  kernels::CounterRandom random_;
  std::uint64_t counter_;
  double second_ = 0;
  bool has_second_ = false;
};

}  // namespace otfleet

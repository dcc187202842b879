#pragma once
#include <cstdint>

#include "kernels/host_device.hpp"

namespace otfleet::kernels {

/// Counter-based random numbers: a value depends on (seed, stream, counter) alone, never on which
/// rank or thread asks or in which order, so that a run draws the same samples on any number of
/// ranks, on the host and on a GPU. Mixing is SplitMix64 (Steele, Lea, Flood 2014), applied once
/// per key word. Local.
class CounterRandom {
 public:
  OTFLEET_INLINE_FUNCTION CounterRandom(std::uint64_t seed, std::uint64_t stream)
      : key_(mix(mix(seed) ^ stream)) {}

  OTFLEET_INLINE_FUNCTION std::uint64_t bits(std::uint64_t counter) const {
    return mix(key_ ^ mix(counter));
  }

  /// Uniform in [0, 1), 53 random bits.
  OTFLEET_INLINE_FUNCTION double uniform(std::uint64_t counter) const {
    return static_cast<double>(bits(counter) >> 11) * 0x1.0p-53;
  }

  /// Uniform in {0, …, bound − 1}; bound > 0. The bias is below bound / 2^64.
  OTFLEET_INLINE_FUNCTION std::uint64_t below(std::uint64_t bound, std::uint64_t counter) const {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(bits(counter)) * bound) >>
                                      64);
  }

 private:
  OTFLEET_FUNCTION static constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

  std::uint64_t key_;
};

}  // namespace otfleet::kernels

#pragma once
#include <cstdint>

namespace otfleet::distributed {

/// Counter-based random numbers: a value depends on (seed, stream, counter) alone, never on which
/// rank asks or in which order, so that a run draws the same samples on any number of ranks.
/// Mixing is SplitMix64 (Steele, Lea, Flood 2014), applied once per key word. Local.
class CounterRandom {
 public:
  CounterRandom(std::uint64_t seed, std::uint64_t stream) : key_(mix(mix(seed) ^ stream)) {}

  std::uint64_t bits(std::uint64_t counter) const { return mix(key_ ^ mix(counter)); }

  /// Uniform in [0, 1), 53 random bits.
  double uniform(std::uint64_t counter) const {
    return static_cast<double>(bits(counter) >> 11) * 0x1.0p-53;
  }

  /// Uniform in {0, …, bound − 1}; bound > 0. The bias is below bound / 2^64.
  std::uint64_t below(std::uint64_t bound, std::uint64_t counter) const {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(bits(counter)) * bound) >>
                                      64);
  }

 private:
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

  std::uint64_t key_;
};

}  // namespace otfleet::distributed

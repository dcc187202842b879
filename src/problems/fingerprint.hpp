#pragma once
#include <bit>
#include <cstdint>
#include <vector>

namespace otfleet {

/// FNV-1a over 64-bit words.
class Fnv {
 public:
  void add(std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) {
      hash_ = (hash_ ^ ((word >> shift) & 0xff)) * 0x100000001b3ULL;
    }
  }
  void add(const std::vector<double>& values) {
    add(static_cast<std::uint64_t>(values.size()));
    for (const double value : values) add(std::bit_cast<std::uint64_t>(value + 0.0));  // −0 is 0
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace otfleet

#pragma once
#include <cstdint>
#include <vector>

namespace otfleet {

/// A Sobol sequence (Sobol 1967; Bratley & Fox 1988) in [0, 1)^D with Owen's nested uniform
/// scrambling (Owen 1995), by hashes (Laine & Karras 2011; Burley 2020): every point alone is
/// uniform, and any 2^m aligned points are spread evenly, so that means over them have smaller
/// errors than over independent ones. Initial numbers are random, which scrambling makes as good as
/// chosen ones. Sample s depends on (seed, stream, s) alone. The sequence begins again after 2^32
/// points. Thread-safe.
class Sobol {
 public:
  /// More coordinates than this are not worth the work: they are no more even than random ones.
  static constexpr std::int64_t most_dimensions = 512;

  /// Of min(dimensions, most_dimensions) coordinates. Memory: 128 bytes a coordinate.
  Sobol(std::int64_t dimensions, std::uint64_t seed, std::uint64_t stream);

  std::int64_t dimensions() const { return static_cast<std::int64_t>(scrambles_.size()); }

  /// Coordinate `dimension` of point number `sample`, in (0, 1).
  double coordinate(std::int64_t sample, std::int64_t dimension) const;

 private:
  static constexpr int bits = 32;
  std::vector<std::uint32_t> directions_;  ///< [D, bits]
  std::vector<std::uint32_t> scrambles_;   ///< [D]
};

}  // namespace otfleet

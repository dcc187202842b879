#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace otfleet {

/// A distribution on R^D that can only be sampled. Sample number s depends on the sampler's seed,
/// its stream and s alone: the same, bit for bit, on any rank, in any call and in any order.
class Sampler {
 public:
  virtual ~Sampler() = default;

  virtual std::int64_t dimension() const = 0;

  /// Rows 0 … count − 1 of points [count, D], row-major in host memory, become samples number
  /// first … first + count − 1; first >= 0. Local; a sampler serves one thread at a time.
  virtual void fill(std::int64_t first, std::int64_t count, double* points) const = 0;

  /// How far a point [D] is from where the distribution would put samples without their noise, in
  /// standard deviations of the noise; none: not known. Local.
  virtual std::optional<double> deviations(const double* /*point*/) const { return {}; }
};

/// Two distributions between which transport is sought; their samples are independent.
struct SamplerPair {
  std::unique_ptr<Sampler> source, target;
  std::string name;
};

/// The streams of a pair: samplers of different pairs of one seed share none as long as the pairs'
/// own numbers differ.
constexpr std::uint64_t source_stream(std::uint64_t pair_stream) {
  return 2 * pair_stream;
}
constexpr std::uint64_t target_stream(std::uint64_t pair_stream) {
  return 2 * pair_stream + 1;
}

}  // namespace otfleet

#include "src/families/neural_dual/samplers/array_sampler.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "kernels/counter_random.hpp"

namespace otfleet {
namespace {

/// Where `place` in {0, …, count − 1} goes in permutation number `pass`: a Feistel cipher of four
/// rounds (Luby & Rackoff 1988) on twice as many bits as it takes, gone on with until it is inside.
std::uint64_t shuffled(const kernels::CounterRandom& random, std::uint64_t pass,
                       std::uint64_t place, std::uint64_t count) {
  const int half = (std::bit_width(count - 1) + 1) / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = place >> half, right = place & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t key = (pass * 4 + round) << 32;
      left ^= random.bits(key + right) & mask;
      std::swap(left, right);
    }
    place = left << half | right;
  } while (place >= count);
  return place;
}

class ArraySampler final : public Sampler {
 public:
  ArraySampler(Array array, std::uint64_t seed, std::uint64_t stream, SampleSequence sequence)
      : array_(std::move(array)), random_(seed, stream), sequence_(sequence) {}

  std::int64_t dimension() const override { return array_.shape[1]; }

  void fill(std::int64_t first, std::int64_t count, double* points) const override {
    const auto samples = static_cast<std::uint64_t>(array_.shape[0]);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto sample = static_cast<std::uint64_t>(first + k);
      const auto drawn = static_cast<std::int64_t>(
          sequence_ == SampleSequence::random
              ? random_.below(samples, sample)
              : shuffled(random_, sample / samples, sample % samples, samples));
      std::copy_n(array_.values.data() + drawn * dimension(), dimension(),
                  points + k * dimension());
    }
  }

 private:
  Array array_;
  kernels::CounterRandom random_;
  SampleSequence sequence_;
};

}  // namespace

std::unique_ptr<Sampler> array_sampler(const ArraySource& source, std::uint64_t seed,
                                       std::uint64_t stream, SampleSequence sequence) {
  return std::make_unique<ArraySampler>(read_points(source, "sample"), seed, stream, sequence);
}

}  // namespace otfleet

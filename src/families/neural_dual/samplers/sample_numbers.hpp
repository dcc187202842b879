#pragma once
#include <cstdint>
#include <optional>

#include "kernels/counter_random.hpp"
#include "src/families/neural_dual/samplers/inverse_normal.hpp"
#include "src/families/neural_dual/samplers/sample_sequence.hpp"
#include "src/families/neural_dual/samplers/sobol.hpp"

namespace otfleet {

/// What the numbers of a sampler's samples come from.
class NumberSource {
 public:
  /// `most` bounds the numbers that one sample takes, so that no two samples share any.
  NumberSource(SampleSequence sequence, std::uint64_t seed, std::uint64_t stream, std::int64_t most)
      : random_(seed, stream), most_(most) {
    if (sequence == SampleSequence::sobol) sobol_.emplace(most, seed, stream);
  }

  /// Number `place` of sample number `sample`, in (0, 1).
  double uniform(std::int64_t sample, std::int64_t place) const {
    if (sobol_ && place < sobol_->dimensions()) return sobol_->coordinate(sample, place);
    const auto counter = static_cast<std::uint64_t>(sample * most_ + place);
    return random_.uniform(counter) + 0x1.0p-54;
  }

 private:
  kernels::CounterRandom random_;
  std::int64_t most_;
  std::optional<Sobol> sobol_;
};

/// The numbers of one sample, one after the other.
class SampleNumbers {
 public:
  SampleNumbers(const NumberSource& source, std::int64_t sample)
      : source_(source), sample_(sample) {}

  /// In (0, 1).
  double uniform() { return source_.uniform(sample_, place_++); }

  /// In {0, …, bound − 1}.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>(uniform() * static_cast<double>(bound));
  }

  /// Standard normal.
  double normal() { return inverse_normal(uniform()); }

 private:
  const NumberSource& source_;
  std::int64_t sample_;
  std::int64_t place_ = 0;
};

}  // namespace otfleet

#include "src/families/neural_dual/samplers/array_sampler.hpp"

#include <algorithm>
#include <utility>

#include "kernels/counter_random.hpp"

namespace otfleet {
namespace {

class ArraySampler final : public Sampler {
 public:
  ArraySampler(Array array, std::uint64_t seed, std::uint64_t stream)
      : array_(std::move(array)), random_(seed, stream) {}

  std::int64_t dimension() const override { return array_.shape[1]; }

  void fill(std::int64_t first, std::int64_t count, double* points) const override {
    const auto samples = static_cast<std::uint64_t>(array_.shape[0]);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto drawn =
          static_cast<std::int64_t>(random_.below(samples, static_cast<std::uint64_t>(first + k)));
      std::copy_n(array_.values.data() + drawn * dimension(), dimension(),
                  points + k * dimension());
    }
  }

 private:
  Array array_;
  kernels::CounterRandom random_;
};

}  // namespace

std::unique_ptr<Sampler> array_sampler(const ArraySource& source, std::uint64_t seed,
                                       std::uint64_t stream) {
  return std::make_unique<ArraySampler>(read_points(source, "sample"), seed, stream);
}

}  // namespace otfleet

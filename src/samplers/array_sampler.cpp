#include "src/samplers/array_sampler.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/random.hpp"
#include "src/problems/checked_hdf5.hpp"

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
  distributed::CounterRandom random_;
};

}  // namespace

std::unique_ptr<Sampler> array_sampler(const ArraySource& source, std::uint64_t seed,
                                       std::uint64_t stream) {
  Array array = read_array(source);
  const auto name =
      source.dataset.empty() ? source.file.string() : source.file.string() + ": " + source.dataset;
  if (array.shape.size() != 2) {
    throw UserError(fmt::format("{}: samples must be an array [N, D], not shape {}", name,
                                shape_text(array.shape)));
  }
  if (array.values.empty()) {
    throw UserError(
        fmt::format("{}: holds no samples, its shape is {}", name, shape_text(array.shape)));
  }
  const auto bad = std::find_if_not(array.values.begin(), array.values.end(),
                                    [](double value) { return std::isfinite(value); });
  if (bad != array.values.end()) {
    throw UserError(fmt::format("{}: sample {} is not finite", name,
                                (bad - array.values.begin()) / array.shape[1]));
  }
  return std::make_unique<ArraySampler>(std::move(array), seed, stream);
}

}  // namespace otfleet

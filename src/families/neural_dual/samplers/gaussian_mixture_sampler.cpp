#include "src/families/neural_dual/samplers/gaussian_mixture_sampler.hpp"

#include <algorithm>
#include <numeric>

namespace otfleet {

GaussianMixtureSampler::GaussianMixtureSampler(const GaussianMixture& mixture, std::uint64_t seed,
                                               std::uint64_t stream, SampleSequence sequence)
    : dimension_(mixture.dimension),
      cumulative_(mixture.weights.size()),
      means_(mixture.means),
      columns_(mixture.roots.size()),
      numbers_(sequence, seed, stream, mixture.dimension + 1) {
  std::partial_sum(mixture.weights.begin(), mixture.weights.end(), cumulative_.begin());
  const auto d = static_cast<std::size_t>(dimension_);
  for (std::size_t k = 0; k < cumulative_.size(); ++k)
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j)
        columns_[(k * d + j) * d + i] = mixture.roots[(k * d + i) * d + j];
}

void GaussianMixtureSampler::fill(std::int64_t first, std::int64_t count, double* points) const {
  for (std::int64_t row = 0; row < count; ++row) {
    SampleNumbers numbers(numbers_, first + row);
    // Rounding may leave the sum of all weights below the number drawn.
    const auto k = std::min<std::int64_t>(
        std::upper_bound(cumulative_.begin(), cumulative_.end(), numbers.uniform()) -
            cumulative_.begin(),
        static_cast<std::int64_t>(cumulative_.size()) - 1);
    double* const point = points + row * dimension_;
    std::copy_n(means_.data() + k * dimension_, dimension_, point);
    for (std::int64_t j = 0; j < dimension_; ++j) {
      const double z = numbers.normal();
      const double* const column = columns_.data() + (k * dimension_ + j) * dimension_;
      for (std::int64_t i = 0; i < dimension_; ++i) point[i] += z * column[i];
    }
  }
}

}  // namespace otfleet

#pragma once
#include <vector>

#include "src/families/neural_dual/samplers/sample_numbers.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

/// Gaussians on R^D: component k, drawn with probability weights[k], is means[k] + roots[k] z with
/// z ~ N(0, I), so its covariance is roots[k] roots[k]ᵀ.
struct GaussianMixture {
  std::int64_t dimension = 0;
  std::vector<double> weights;  ///< [K], not negative, with the sum 1
  std::vector<double> means;    ///< [K, D]
  std::vector<double> roots;    ///< [K, D, D]
};

/// Work: D² multiply-adds a sample.
class GaussianMixtureSampler final : public Sampler {
 public:
  GaussianMixtureSampler(const GaussianMixture& mixture, std::uint64_t seed, std::uint64_t stream,
                         SampleSequence sequence = SampleSequence::random);

  std::int64_t dimension() const override { return dimension_; }
  void fill(std::int64_t first, std::int64_t count, double* points) const override;

 private:
  std::int64_t dimension_;
  std::vector<double> cumulative_, means_;
  std::vector<double> columns_;  ///< the roots, each transposed
  NumberSource numbers_;
};

}  // namespace otfleet

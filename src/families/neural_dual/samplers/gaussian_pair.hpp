#pragma once
#include <cstdint>
#include <vector>

#include "src/families/neural_dual/samplers/gaussian_mixture_sampler.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

/// Two random Gaussians on R^D with everything that is known about transport between them. The map
/// T(x) = m₂ + A (x − m₁) is drawn first, A symmetric with eigenvalues in [1/2, 2]; with the source
/// N(m₁, R²), R symmetric with eigenvalues in [1/2, 3/2], it is the gradient of a convex function
/// onto N(m₂, A R² A), so the optimal one (Brenier), without any matrix's square root. Means are
/// standard normal. Memory: of order D².
class GaussianPair {
 public:
  GaussianPair(std::int64_t dimension, std::uint64_t seed);

  std::int64_t dimension() const { return dimension_; }

  SamplerPair samplers(std::uint64_t pair_stream) const;

  /// y = T(x) for `count` rows [count, D].
  void map(std::int64_t count, const double* x, double* y) const;
  /// x = T⁻¹(y), the optimal map back.
  void inverse_map(std::int64_t count, const double* y, double* x) const;

  /// The Wasserstein-2 distance, not squared: W₂² = |m₁ − m₂|² + tr(S₁ + S₂ − 2 A S₁).
  double distance() const;

  const std::vector<double>& source_mean() const { return source_.means; }
  const std::vector<double>& target_mean() const { return target_.means; }
  std::vector<double> source_covariance() const;  ///< S₁ [D, D]
  std::vector<double> target_covariance() const;  ///< S₂ [D, D]

 private:
  std::int64_t dimension_;
  std::uint64_t seed_;
  std::vector<double> slope_, inverse_slope_;  ///< A and its inverse [D, D]
  GaussianMixture source_, target_;            ///< of one component
};

}  // namespace otfleet

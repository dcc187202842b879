#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace otfleet::kernels {

/// How often samples went to each of some points, in two halves of independent samples.
struct Hits {
  std::vector<std::int64_t> first, second;  ///< [N]
  std::int64_t samples = 0;                 ///< of each half
};

/// How far shares of samples are from the weights b they should have. Bounds fail with a
/// probability of at most the one given, each, whatever the shares p are.
struct MarginalBounds {
  /// sqrt(sum_j (p_j − b_j)² / b_j), which the L1 error is at most; by pairs of samples that went
  /// to the same point, which estimate the sum without bias.
  double estimate = 0;
  double lower = 0, upper = 0;  ///< of the L1 error sum_j |p_j − b_j|
  double chi_upper = 0;         ///< of that root
};

/// `weights` [N] are positive and add up to 1.
///
/// The L1 error is at least what half of the samples says of points that the other half found too
/// heavy or too light (Hoeffding), and at most the larger of what McDiarmid's inequality leaves of
/// the shares' own error and of chi, where chi² is at most X + sqrt(2 r chi² l / n) + …: X is the
/// mean of the first half's relative errors over the second half (Maurer & Pontil 2009, theorem 4),
/// the rest is Bernstein's inequality for the first half, r the largest p_j / b_j (Chernoff), l the
/// logarithm of the probability.
MarginalBounds marginal_bounds(std::span<const double> weights, const Hits& hits, double failure);

/// What the mean of so many independent numbers with this mean, variance and range exceeds their
/// expectation by at most, but for a probability of `failure` (Maurer & Pontil 2009, theorem 4).
double empirical_bernstein(double variance, double range, double count, double failure);

}  // namespace otfleet::kernels

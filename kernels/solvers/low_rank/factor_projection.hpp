#pragma once
#include <functional>
#include <vector>

#include "kernels/solvers/low_rank/soft_clusters.hpp"

namespace otfleet::kernels {

/// A plan Q diag(1/g) R' of rank r between measures in d dimensions, its factors as SoftClusters
/// have them.
struct LowRankFactors {
  std::vector<double> source_slopes, target_slopes;    ///< [r, d]
  std::vector<double> source_offsets, target_offsets;  ///< [r]
  std::vector<double> log_masses;                      ///< [r], log g

  int rank() const { return static_cast<int>(log_masses.size()); }
};

/// What a pass over both measures leaves of a plan.
struct FactorSums {
  ClusterSums source, target;
};

/// Few points that stand for a measure, with weights that add up to 1; row-major.
struct Representatives {
  std::vector<double> points, weights;  ///< [n, d], [n]
};

/// The Bregman projection of mirror descent on factors: of given Q, R and g, with the marginals a
/// and b already, the closest in KL divergence for which Q'1 = R'1 = g (Scetbon, Cuturi & Peyré
/// 2021, algorithm 2, without its lower bound on g). It changes offsets alone, and minimizes a
/// convex function of these 2 r numbers, by Newton steps whose matrix is that of representatives of
/// the measures, not of all points, and whose slopes are exact.
class FactorProjection {
 public:
  /// A pass over all points of both measures.
  using Pass = std::function<FactorSums(const LowRankFactors&)>;

  FactorProjection(const Representatives& source, const Representatives& target);

  /// Where a projection ended.
  struct Result {
    FactorSums sums;   ///< of the projected factors
    double error = 0;  ///< |Q'1 − g| + |R'1 − g|, L1
    int passes = 0;
    bool done = false;  ///< error <= tolerance
  };

  /// Projects `factors`, whose offsets are where Newton's method begins and whose log_masses it
  /// sets; the factors to project have the offsets of `given`, and its masses are theirs. Not done
  /// where `most_passes` do not suffice.
  Result project(const LowRankFactors& given, double tolerance, int most_passes, const Pass& pass,
                 LowRankFactors& factors) const;

 private:
  const Representatives& source_;
  const Representatives& target_;
};

}  // namespace otfleet::kernels

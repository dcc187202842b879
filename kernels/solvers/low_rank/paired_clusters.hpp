#pragma once
#include <cstdint>
#include <vector>

namespace otfleet::kernels {

/// Groups of points and of what a plan moves them to.
struct PairedClusters {
  std::vector<double> masses;   ///< [r], shares, none of them 0
  std::vector<double> sources;  ///< [r, d], means
  std::vector<double> targets;  ///< [r, d], of where the plan moves them
  std::vector<int> member;      ///< [n]

  int rank() const { return static_cast<int>(masses.size()); }
};

/// What makes groups good ones.
enum class ClusterScore {
  products,  ///< sum_k g_k <center, image>: transport between them costs little
  spread,    ///< sum_k g_k (|center|² + |image|²): each is tight, however images are turned
};

/// At most `rank` groups of points x [n, d] with weights [n] and images T(x) [n, d] under a plan:
/// k-means of the pairs (x, T(x)), the best one of a few seeds (Arthur & Vassilvitskii 2007). The
/// plan of that rank that spreads each group's mass over its images costs 2 sum_k g_k tr Cov_k(x,
/// T) more than the plan itself, which is what is made small. Local. Work: n r d for each of about
/// 100 sweeps.
PairedClusters pair_clusters(const std::vector<double>& points, const std::vector<double>& images,
                             const std::vector<double>& weights, int dimension, int rank,
                             ClusterScore score, std::uint64_t seed);

}  // namespace otfleet::kernels

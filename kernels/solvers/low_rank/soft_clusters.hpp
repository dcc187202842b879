#pragma once
#include <vector>

#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// What a pass over a measure leaves of each of its soft clusters.
struct ClusterSums {
  std::vector<double> masses;   ///< [r], sum_i Q_ik
  std::vector<double> moments;  ///< [r, d], sum_i Q_ik x_i
  double log_sum = 0;           ///< sum_i a_i log sum_k exp(offset_k + <slope_k, x_i>)
};

/// Moments divided by masses, [r, d]; 0 where there is no mass.
std::vector<double> centers_of(const ClusterSums& sums);

/// A measure of n points x_i with weights a_i, and factors of plans of low rank over it,
///
///   Q_ik = a_i exp(offset_k + <slope_k, x_i>) / sum_l exp(offset_l + <slope_l, x_i>),
///
/// which is what mirror descent makes of a factor where the cost is a product of few columns: its
/// logarithm is linear in the point, so that nothing of size [n, r] is ever stored.
template <class ExecutionSpace>
class SoftClusters {
 public:
  /// points [n, d] and weights [n], which have to stay.
  SoftClusters(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& points,
               const Vector<const double, ExecutionSpace>& weights, int clusters);

  /// Of slopes [r, d] and offsets [r], added in the same order on every call. Work: 2 n r d
  /// multiply-adds and n r exponentials; memory: r d for each of at most 1,024 chunks of points.
  ClusterSums sums(const std::vector<double>& slopes, const std::vector<double>& offsets) const;

 private:
  ExecutionSpace space_;
  Matrix<const double, ExecutionSpace> points_;
  Vector<const double, ExecutionSpace> weights_;
  int clusters_, padded_, chunk_, chunks_;
  Vector<double, ExecutionSpace> parameters_;  ///< [d + 1, padded], offsets last; of powers of 2
  Matrix<double, ExecutionSpace> shares_;      ///< [chunks, …], of few points
  Matrix<double, ExecutionSpace> partial_;     ///< [chunks, (d + 1) padded + 1]
};

}  // namespace otfleet::kernels

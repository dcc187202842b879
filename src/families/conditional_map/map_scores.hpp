#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace otfleet {

/// Row-major points [n, D].
using PointRows = std::vector<double>;

/// How far two uniform clouds of as many points are from each other, each way of measuring.
struct CloudDistances {
  double exact = 0;       ///< Wasserstein-2 distance, see exact_distance()
  double divergence = 0;  ///< debiased Sinkhorn divergence, squared Euclidean cost
  double mmd = 0;         ///< see maximum_mean_discrepancy()
};

/// sqrt(k(x, x') + k(y, y') − 2 k(x, y)), means over all pairs, k the mean of Gaussian kernels
/// whose widths are ½, 1 and 2 times the root of the target's mean squared distance (Gretton et al.
/// 2012, the biased estimate). Local. Work: of order n² D.
double maximum_mean_discrepancy(std::span<const double> source, std::span<const double> target,
                                std::int64_t dimension);

/// Pairs of clouds, and their distances: divergences are solved as one batch. `epsilon` is in units
/// of the cost. What is not finite has distances that are not. Local. Throws UserError.
std::vector<CloudDistances> cloud_distances(const std::vector<PointRows>& sources,
                                            const std::vector<PointRows>& targets,
                                            std::int64_t dimension, double epsilon);

}  // namespace otfleet

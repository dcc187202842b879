#pragma once
#include <cstdint>
#include <span>
#include <vector>

// How good a map, or a pushed cloud of points, is. Points are rows of arrays [N, D], row-major in
// host memory; distances are Euclidean, not halved. All are local, and throw std::invalid_argument
// for arrays that do not fit each other or hold no point.

namespace otfleet {

/// |a − b|² of two points.
double squared_distance(const double* a, const double* b, std::int64_t dimension);

/// |a_k − b_k| of the rows of two arrays.
std::vector<double> row_distances(std::span<const double> a, std::span<const double> b,
                                  std::int64_t dimension);

/// Unexplained variance in percent, 100 · mean |S(x) − T(x)|² / variance, of a map S against the
/// true one T: 0 is perfect, 100 the constant map. `variance` is that of T(x), summed over
/// coordinates. Korotin et al., NeurIPS 2021.
double l2_uvp(std::span<const double> pushed, std::span<const double> truth, std::int64_t dimension,
              double variance);

/// mean ⟨S(x) − x, T(x) − x⟩ / sqrt(mean |T(x) − x|² · mean |S(x) − x|²): 1 is perfect. NaN where a
/// map moves nothing. The same source, where all means are of these points.
double cosine(std::span<const double> points, std::span<const double> pushed,
              std::span<const double> truth, std::int64_t dimension);

/// Sliced Wasserstein-2 distance between uniform clouds of as many points: the root of the mean,
/// over `directions` random unit vectors θ, of W₂² between the clouds' projections ⟨θ, x⟩, each
/// exact by sorting (Rabin et al. 2011). At most W₂/√D in the mean over all directions. On a
/// line it is W₂. Directions depend on (seed, D) alone. Work: directions · N (D + log N).
double sliced_distance(std::span<const double> source, std::span<const double> target,
                       std::int64_t dimension, int directions, std::uint64_t seed);

/// Wasserstein-2 distance, not squared, between uniform clouds of as many points: exact, an
/// assignment found by LEMON's network simplex on costs rounded to 1e-12 of the largest. Work: in
/// practice about N^2.5, memory about 70 bytes · N². Throws std::invalid_argument also for points
/// that are not finite.
double exact_distance(std::span<const double> source, std::span<const double> target,
                      std::int64_t dimension);

}  // namespace otfleet

#include "kernels/solvers/low_rank/paired_clusters.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/counter_random.hpp"

namespace otfleet::kernels {
namespace {

constexpr int seeds = 5, most_sweeps = 20;

/// The squared distance of two rows.
double apart(const double* x, const double* y, std::size_t width) {
  double sum = 0;
  for (std::size_t c = 0; c < width; ++c) sum += (x[c] - y[c]) * (x[c] - y[c]);
  return sum;
}

/// Rows drawn by their weight and squared distance from the rows before: [r, width], r <= rank.
std::vector<double> first_centers(const std::vector<double>& rows,
                                  const std::vector<double>& weights, std::size_t width,
                                  std::size_t rank, const CounterRandom& random) {
  const std::size_t n = weights.size();
  std::vector<double> least(n, 1.0), centers;
  for (std::size_t k = 0; k < rank; ++k) {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += weights[i] * least[i];
    if (!(total > 0)) break;  // all rows are centers
    double left = random.uniform(k) * total;
    std::size_t chosen = n;
    for (std::size_t i = 0; i < n; ++i) {
      const double here = weights[i] * least[i];
      if (!(here > 0)) continue;
      chosen = i;
      if ((left -= here) <= 0) break;
    }
    const double* const center = rows.data() + chosen * width;
    centers.insert(centers.end(), center, center + width);
    for (std::size_t i = 0; i < n; ++i) {
      const double distance = apart(rows.data() + i * width, center, width);
      least[i] = k == 0 ? distance : std::min(least[i], distance);
    }
  }
  return centers;
}

}  // namespace

PairedClusters pair_clusters(const std::vector<double>& points, const std::vector<double>& images,
                             const std::vector<double>& weights, int dimension, int rank,
                             ClusterScore score, std::uint64_t seed) {
  const auto d = static_cast<std::size_t>(dimension), n = weights.size(), width = 2 * d;
  // Both halves count alike, whatever their spread.
  double spread[2] = {0, 0};
  std::vector<double> rows(n * width);
  for (std::size_t half = 0; half < 2; ++half) {
    const auto& from = half == 0 ? points : images;
    for (std::size_t c = 0; c < d; ++c) {
      double mean = 0;
      for (std::size_t i = 0; i < n; ++i) mean += weights[i] * from[i * d + c];
      for (std::size_t i = 0; i < n; ++i) {
        const double off = from[i * d + c] - mean;
        rows[i * width + half * d + c] = off;
        spread[half] += weights[i] * off * off;
      }
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < d; ++c)
        if (spread[half] > 0) rows[i * width + half * d + c] /= std::sqrt(spread[half]);
  }
  PairedClusters best;
  double most = -std::numeric_limits<double>::infinity();
  for (int trial = 0; trial < seeds; ++trial) {
    auto centers = first_centers(rows, weights, width, static_cast<std::size_t>(rank),
                                 CounterRandom(seed, static_cast<std::uint64_t>(trial)));
    if (centers.empty()) centers.assign(rows.begin(), rows.begin() + static_cast<long>(width));
    std::size_t r = centers.size() / width;
    std::vector<int> member(n, 0);
    std::vector<double> masses;
    for (int sweep = 0; sweep < most_sweeps; ++sweep) {
      bool moved = sweep == 0;
      for (std::size_t i = 0; i < n; ++i) {
        double least = std::numeric_limits<double>::infinity();
        int nearest = 0;
        for (std::size_t k = 0; k < r; ++k) {
          const double distance = apart(rows.data() + i * width, centers.data() + k * width, width);
          if (distance >= least) continue;
          least = distance;
          nearest = static_cast<int>(k);
        }
        moved = moved || nearest != member[i];
        member[i] = nearest;
      }
      if (!moved) break;
      masses.assign(r, 0.0);
      std::vector<double> sums(r * width, 0.0);
      for (std::size_t i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(member[i]);
        masses[k] += weights[i];
        for (std::size_t c = 0; c < width; ++c)
          sums[k * width + c] += weights[i] * rows[i * width + c];
      }
      for (std::size_t k = 0; k < r; ++k)
        for (std::size_t c = 0; c < width; ++c)
          if (masses[k] > 0) centers[k * width + c] = sums[k * width + c] / masses[k];
    }
    double value = 0;
    for (std::size_t k = 0; k < r; ++k)
      for (std::size_t c = 0; c < d; ++c) {
        const double x = centers[k * width + c], image = centers[k * width + d + c];
        value += masses[k] * (score == ClusterScore::products ? x * image : x * x + image * image);
      }
    if (value <= most) continue;
    most = value;
    std::vector<int> number(r, -1);
    best = {};
    for (std::size_t k = 0; k < r; ++k) {
      if (!(masses[k] > 0)) continue;
      number[k] = best.rank();
      best.masses.push_back(masses[k]);
    }
    best.member.resize(n);
    best.sources.assign(best.masses.size() * d, 0.0);
    best.targets.assign(best.masses.size() * d, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      best.member[i] = number[static_cast<std::size_t>(member[i])];
      const auto k = static_cast<std::size_t>(best.member[i]);
      for (std::size_t c = 0; c < d; ++c) {
        best.sources[k * d + c] += weights[i] / best.masses[k] * points[i * d + c];
        best.targets[k * d + c] += weights[i] / best.masses[k] * images[i * d + c];
      }
    }
  }
  return best;
}

}  // namespace otfleet::kernels

#pragma once
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/api/low_rank.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/problems/status.hpp"

// Clouds of tests of plans of low rank, and their plans.

namespace otfleet::kernels::testing {

inline constexpr int converged = static_cast<int>(Status::converged);

struct Cloud {
  int d = 1;
  std::vector<double> weights, points;

  std::size_t size() const { return weights.size(); }
  WeightedPoints view() const { return {weights, points}; }
  double share(std::size_t i) const {
    return weights[i] / std::accumulate(weights.begin(), weights.end(), 0.0);
  }
};

/// Normal points around one of some places, with weights between 1/2 and 3/2.
inline Cloud blobs(int n, int d, int places, double width, std::uint64_t stream) {
  const CounterRandom random(11, stream), where(12, stream);
  Cloud cloud{d, {}, {}};
  std::uint64_t draw = 0;
  const auto normal = [&](const CounterRandom& from, std::uint64_t k) {
    return std::sqrt(-2 * std::log1p(-from.uniform(2 * k))) *
           std::cos(2 * M_PI * from.uniform(2 * k + 1));
  };
  for (int i = 0; i < n; ++i) {
    const int place = i % places;
    cloud.weights.push_back(0.5 + random.uniform(1000000 + static_cast<std::uint64_t>(i)));
    for (int c = 0; c < d; ++c)
      cloud.points.push_back(
          4 * normal(where, static_cast<std::uint64_t>(place) * static_cast<std::uint64_t>(d) +
                                static_cast<std::uint64_t>(c)) +
          width * normal(random, draw++));
  }
  return cloud;
}

inline double square(const Cloud& x, std::size_t i, const Cloud& y, std::size_t j) {
  double sum = 0;
  for (int c = 0; c < x.d; ++c) sum += std::pow(x.points[i * x.d + c] - y.points[j * x.d + c], 2);
  return sum;
}

inline LowRankSettings with_rank(int rank, double threshold = 1e-5) {
  LowRankSettings settings;
  settings.rank = rank;
  settings.threshold = threshold;
  return settings;
}

inline LowRankProblem between(const Cloud& x, const Cloud& y, const LowRankSettings& settings) {
  return {SquaredEuclideanCost{}, x.d, x.view(), y.view(), settings, 0, 0};
}

inline LowRankResult solved(const Cloud& x, const Cloud& y, const LowRankSettings& settings,
                            int* status = nullptr) {
  const auto problem = between(x, y, settings);
  problem.run(1000, nullptr, 0);
  if (status != nullptr) *status = problem.status();
  return problem.result();
}

}  // namespace otfleet::kernels::testing

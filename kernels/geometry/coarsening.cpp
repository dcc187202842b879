#include "kernels/geometry/coarsening.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/geometry/box_cost.hpp"

namespace otfleet::kernels {
namespace {

/// The value that half of the weight does not exceed.
double weighted_median(std::vector<std::pair<double, double>> values_and_weights) {
  std::sort(values_and_weights.begin(), values_and_weights.end());
  double all = 0, below = 0;
  for (const auto& [value, weight] : values_and_weights) all += weight;
  for (const auto& [value, weight] : values_and_weights)
    if ((below += weight) >= all / 2) return value;
  return 0;
}

}  // namespace

CoarseCloud coarsen(std::span<const double> points, std::span<const double> weights, int d,
                    const GroundCost& cost) {
  const bool directions =
      with_ground_cost(cost, [](const auto& typed) { return typed.takes_directions; });
  const auto dimension = static_cast<std::size_t>(d);
  CoarseCloud coarse;
  std::vector<std::pair<double, double>> crossing;
  for (std::size_t begin = 0; begin < weights.size(); begin += CellTree::run_points) {
    const std::size_t end = std::min(begin + CellTree::run_points, weights.size());
    double most = 0, mass = 0;
    for (std::size_t i = begin; i < end; ++i) most = std::max(most, weights[i]);
    double center[most_cell_coordinates] = {};
    CellTree::Node box{};
    for (std::size_t k = 0; k < dimension; ++k)
      box.low[k] = box.high[k] = points[begin * dimension + k];
    for (std::size_t i = begin; i < end; ++i) {
      const double share = weights[i] / most;  // of a run of weights that are hardly numbers, too
      mass += share;
      for (std::size_t k = 0; k < dimension; ++k) {
        const double x = points[i * dimension + k];
        center[k] += share * x;
        box.low[k] = std::min(box.low[k], x);
        box.high[k] = std::max(box.high[k], x);
      }
    }
    double norm = 0;
    for (std::size_t k = 0; k < dimension; ++k) {
      center[k] /= mass;
      norm += center[k] * center[k];
    }
    for (std::size_t k = 0; k < dimension; ++k) {
      if (directions)
        center[k] = norm > 0 ? center[k] / std::sqrt(norm) : points[begin * dimension + k];
      coarse.points.push_back(center[k]);
    }
    coarse.weights.push_back(mass * most);
    crossing.emplace_back(
        with_ground_cost(cost, [&](const auto& typed) { return most_cost(typed, box, box, d); }),
        mass * most);
  }
  coarse.crossing_cost = weighted_median(std::move(crossing));
  return coarse;
}

}  // namespace otfleet::kernels

#include "src/families/conditional_map/paired_clouds.hpp"

namespace otfleet {
namespace {

void add_measure(CloudTable& table, std::int64_t dimension, std::span<const double> points,
                 std::span<const double> weights) {
  const auto count = static_cast<std::int64_t>(points.size()) / dimension;
  table.points.insert(table.points.end(), points.begin(), points.end());
  if (weights.empty())
    table.weights.insert(table.weights.end(), static_cast<std::size_t>(count),
                         1 / static_cast<double>(count));
  else
    table.weights.insert(table.weights.end(), weights.begin(), weights.end());
  table.offsets.push_back(table.offsets.back() + count);
}

}  // namespace

CloudPopulation no_pairs(std::int64_t dimension) {
  CloudPopulation pairs;
  pairs.ground_cost = kernels::SquaredEuclideanCost{};
  pairs.dimension = dimension;
  pairs.shared_measures = false;
  return pairs;
}

void add_pair(CloudPopulation& pairs, std::span<const double> x, std::span<const double> y,
              std::span<const double> x_weights, std::span<const double> y_weights) {
  const auto number = static_cast<std::int32_t>(pairs.problems());
  add_measure(pairs.sources, pairs.dimension, x, x_weights);
  add_measure(pairs.targets, pairs.dimension, y, y_weights);
  pairs.source.push_back(number);
  pairs.target.push_back(number);
}

}  // namespace otfleet

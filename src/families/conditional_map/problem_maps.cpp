#include "src/families/conditional_map/problem_maps.hpp"

#include <limits>
#include <utility>

namespace otfleet {
namespace {

/// sum_k share_k (|x_k|² − 2 value_k).
double half_of_dual(std::span<const double> points, const std::vector<double>& shares,
                    const std::vector<double>& values) {
  const std::size_t dimension = points.size() / shares.size();
  double sum = 0;
  for (std::size_t k = 0; k < shares.size(); ++k) {
    double square = 0;
    for (std::size_t i = 0; i < dimension; ++i)
      square += points[k * dimension + i] * points[k * dimension + i];
    sum += shares[k] * (square - 2 * values[k]);
  }
  return sum;
}

}  // namespace

std::span<const double> points_of(const CloudTable& table, std::int64_t measure,
                                  std::int64_t dimension) {
  return std::span(table.points)
      .subspan(static_cast<std::size_t>(table.offsets[measure] * dimension),
               static_cast<std::size_t>(table.size(measure) * dimension));
}

std::span<const double> weights_of(const CloudTable& table, std::int64_t measure) {
  return std::span(table.weights)
      .subspan(static_cast<std::size_t>(table.offsets[measure]),
               static_cast<std::size_t>(table.size(measure)));
}

std::vector<double> shares_of(const CloudTable& table, std::int64_t measure) {
  const auto weights = weights_of(table, measure);
  std::vector<double> shares(weights.begin(), weights.end());
  const double mass = table.mass(measure);
  for (double& share : shares) share /= mass;
  return shares;
}

SolvedMap solve_map(const CloudPopulation& population, std::int32_t problem, ProblemMap& map,
                    bool potentials, bool forward) {
  const auto at = static_cast<std::size_t>(problem);
  const CloudTable& target_table = population.target_table();
  const std::int64_t source = population.source[at], target = population.target[at];
  const auto sources = points_of(population.sources, source, population.dimension),
             targets = points_of(target_table, target, population.dimension);
  SolvedMap result;
  result.dual_value = std::numeric_limits<double>::quiet_NaN();
  if (!potentials) {
    result.points = forward ? map.forward(sources) : map.backward(targets);
    return result;
  }
  MappedPoints pushed = map.forward(sources, forward), pulled = map.backward(targets);
  result.dual_value = half_of_dual(sources, shares_of(population.sources, source), pushed.value) +
                      half_of_dual(targets, shares_of(target_table, target), pulled.value);
  result.points = std::move(forward ? pushed : pulled);
  return result;
}

}  // namespace otfleet

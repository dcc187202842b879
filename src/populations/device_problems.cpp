#include "src/populations/device_problems.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "distributed/error.hpp"
#include "kernels/problems/exponents.hpp"

namespace otfleet {
namespace {

/// Potentials differ by no more than a detour over all points costs, so that an entry beyond that
/// carries nothing; where the entries are not that far apart, all are left as they are.
std::vector<double> forbid_beyond_exponents(std::vector<double> cost, double epsilon) {
  const double low = *std::min_element(cost.begin(), cost.end());
  const double limit = low + kernels::largest_exponent * epsilon;
  double high = low, least_beyond = std::numeric_limits<double>::infinity();
  for (const double entry : cost) {
    if (entry <= limit)
      high = std::max(high, entry);
    else
      least_beyond = std::min(least_beyond, entry);
  }
  constexpr double detour = 1e3;
  if (least_beyond - low > detour * (high - low))
    for (double& entry : cost)
      if (entry > limit) entry = std::numeric_limits<double>::infinity();
  return cost;
}

kernels::OwnPointsSide side_of(const CloudTable& table) {
  return {table.weights, table.points, table.offsets};
}

}  // namespace

kernels::SeparableCost make_cost_table(const Geometry& geometry, double epsilon) {
  if (geometry.kind == Geometry::Kind::grid)
    return kernels::SeparableCost::squared_euclidean_grid(geometry.axes);
  return kernels::SeparableCost::dense(static_cast<int>(geometry.n), static_cast<int>(geometry.m),
                                       forbid_beyond_exponents(geometry.cost, epsilon));
}

kernels::Problems device_problems(const Geometry& geometry, double epsilon,
                                  std::span<const double> source_weights,
                                  std::span<const double> target_weights) {
  const auto source_points = geometry.points(true), target_points = geometry.points(false);
  const kernels::SharedPointsSide source{source_weights, source_points},
      target{target_weights, target_points};
  if (geometry.kind != Geometry::Kind::points)
    return kernels::Problems::with_table(make_cost_table(geometry, epsilon), source, target);
  try {
    return kernels::Problems::between_points(geometry.ground_cost.value(), geometry.dimension,
                                             source, target);
  } catch (const std::invalid_argument& error) {
    throw UserError(std::string("/geometry: ") + error.what());
  }
}

kernels::Problems device_problems(const Population& population, double epsilon) {
  return device_problems(
      population.geometry, epsilon, population.source_weights,
      population.shared_measures ? std::span<const double>() : population.target_weights);
}

kernels::Problems device_measures(const kernels::GroundCost& cost, std::int64_t dimension,
                                  const CloudTable& measures) {
  try {
    return kernels::Problems::between_clouds(cost, dimension, side_of(measures), {});
  } catch (const std::invalid_argument& error) {
    throw UserError(std::string("/measures: ") + error.what());
  }
}

kernels::Problems device_problems(const CloudPopulation& population) {
  if (population.shared_measures)
    return device_measures(population.ground_cost, population.dimension, population.sources);
  try {
    return kernels::Problems::between_clouds(population.ground_cost, population.dimension,
                                             side_of(population.sources),
                                             side_of(population.targets));
  } catch (const std::invalid_argument& error) {
    throw UserError(std::string("/measures: ") + error.what());
  }
}

}  // namespace otfleet

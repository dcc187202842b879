#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/counter_random.hpp"
#include "src/families/neural_dual/samplers/inverse_normal.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet::testing {

/// The true map of a problem in the plane: a stretch and a shift, both of which depend on t in
/// [0, 1].
inline void map_of(double t, const double* x, double* y) {
  y[0] = (1 + t) * x[0] + 2 * t - 1;
  y[1] = x[1] / (1 + t) + t * t;
}

/// Problems between standard normal clouds of `points` points and fresh ones under the map of
/// each t, with images of the sources.
inline CloudPopulation shifted_gaussians(const std::vector<double>& ts, std::int64_t points,
                                         std::uint64_t seed) {
  CloudPopulation population;
  population.ground_cost = kernels::SquaredEuclideanCost{};
  population.dimension = 2;
  population.shared_measures = false;
  population.contexts.width = 1;
  population.contexts.values = ts;
  const kernels::CounterRandom random(seed, 5);
  std::uint64_t at = 0;
  const auto draw = [&](CloudTable& table) {
    for (std::int64_t k = 0; k < 2 * points; ++k)
      table.points.push_back(inverse_normal(random.uniform(at++) + 0x1p-54));
    table.weights.insert(table.weights.end(), static_cast<std::size_t>(points),
                         1 / static_cast<double>(points));
    table.offsets.push_back(table.offsets.back() + points);
  };
  for (std::size_t k = 0; k < ts.size(); ++k) {
    draw(population.sources);
    draw(population.targets);
    const std::size_t first = 2 * static_cast<std::size_t>(points) * k;
    for (std::size_t i = first; i < population.sources.points.size(); i += 2) {
      double image[2];
      map_of(ts[k], population.sources.points.data() + i, image);
      population.images.insert(population.images.end(), {image[0], image[1]});
      map_of(ts[k], population.targets.points.data() + i, image);
      population.targets.points[i] = image[0];
      population.targets.points[i + 1] = image[1];
    }
    population.source.push_back(static_cast<std::int32_t>(k));
    population.target.push_back(static_cast<std::int32_t>(k));
  }
  return population;
}

}  // namespace otfleet::testing

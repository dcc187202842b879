#include "src/families/conditional_map/map_scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/families/conditional_map/paired_clouds.hpp"
#include "src/families/linear/population_solver.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"

namespace otfleet {
namespace {

/// Of all pairs of rows.
template <class Function>
double mean_over_pairs(std::span<const double> x, std::span<const double> y, std::int64_t dimension,
                       const Function& function) {
  const auto n = static_cast<std::int64_t>(x.size()) / dimension;
  const auto m = static_cast<std::int64_t>(y.size()) / dimension;
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      sum +=
          function(squared_distance(x.data() + i * dimension, y.data() + j * dimension, dimension));
  return sum / static_cast<double>(n * m);
}

bool all_finite(const PointRows& points) {
  return std::all_of(points.begin(), points.end(),
                     [](double value) { return std::isfinite(value); });
}

}  // namespace

double maximum_mean_discrepancy(std::span<const double> source, std::span<const double> target,
                                std::int64_t dimension) {
  const double scale =
      mean_over_pairs(target, target, dimension, [](double square) { return square; });
  const auto kernel = [scale](double square) {
    double sum = 0;
    for (const double width : {0.5, 1.0, 2.0})
      sum += std::exp(-square / (2 * width * width * scale)) / 3;
    return sum;
  };
  return std::sqrt(std::fmax(mean_over_pairs(source, source, dimension, kernel) +
                                 mean_over_pairs(target, target, dimension, kernel) -
                                 2 * mean_over_pairs(source, target, dimension, kernel),
                             0.0));
}

std::vector<CloudDistances> cloud_distances(const std::vector<PointRows>& sources,
                                            const std::vector<PointRows>& targets,
                                            std::int64_t dimension, double epsilon) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  std::vector<CloudDistances> result(sources.size(), {unknown, unknown, unknown});
  CloudPopulation population = no_pairs(dimension);
  std::vector<std::size_t> places;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    if (!all_finite(sources[k]) || !all_finite(targets[k])) continue;
    result[k].exact = exact_distance(sources[k], targets[k], dimension);
    result[k].mmd = maximum_mean_discrepancy(sources[k], targets[k], dimension);
    add_pair(population, sources[k], targets[k]);
    places.push_back(k);
  }
  if (places.empty()) return result;
  const PopulationView view(population);
  const PopulationSolver solver(view, epsilon);
  SolutionOptions wanted;
  wanted.potentials = false;
  wanted.divergence = true;
  SolveSeconds seconds;
  const auto solved = solver.solve({0, population.problems()}, {}, nullptr, wanted, seconds);
  for (std::size_t k = 0; k < places.size(); ++k)
    result[places[k]].divergence = solved.divergence[k];
  return result;
}

}  // namespace otfleet

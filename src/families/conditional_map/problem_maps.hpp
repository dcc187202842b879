#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// The points of one problem, mapped.
struct SolvedMap {
  MappedPoints points;
  /// sum_i a_i |x_i|² + sum_j b_j |y_j|² − 2 (sum_i a_i f(x_i) + sum_j b_j f*(y_j)), weights scaled
  /// to mass 1: a lower bound on the squared Wasserstein-2 distance where the minima behind f* are
  /// global, as those of convex f are. NaN of a model without potentials.
  double dual_value = 0;
};

/// All points of a problem's source (forward) or target through its map, certified; `potentials`:
/// MappedPoints::value of the map means something. Local.
SolvedMap solve_map(const CloudPopulation& population, std::int32_t problem, ProblemMap& map,
                    bool potentials, bool forward);

/// The points of a measure [n, D], its weights, and these scaled to mass 1. Local.
std::span<const double> points_of(const CloudTable& table, std::int64_t measure,
                                  std::int64_t dimension);
std::span<const double> weights_of(const CloudTable& table, std::int64_t measure);
std::vector<double> shares_of(const CloudTable& table, std::int64_t measure);

}  // namespace otfleet

#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/counter_random.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population.hpp"

namespace otfleet::testing {

/// Pairs of measures, drawn at random.
inline void draw_problems(Population& population, int problems, std::uint64_t seed) {
  const kernels::CounterRandom random(seed, 1);
  const auto targets = static_cast<std::uint64_t>(
      population.shared_measures ? population.source_measures : population.target_measures);
  for (std::uint64_t k = 0; k < static_cast<std::uint64_t>(problems); ++k) {
    const auto sources = static_cast<std::uint64_t>(population.source_measures);
    population.source.push_back(static_cast<std::int32_t>(random.below(sources, 2 * k)));
    population.target.push_back(static_cast<std::int32_t>(random.below(targets, 2 * k + 1)));
  }
}

/// A round blob somewhere on each of `measures` square grids; most points have no weight.
inline Population blob_population(int side, int measures, int problems, std::uint64_t seed = 0) {
  Population population;
  Geometry& geometry = population.geometry;
  std::vector<double> axis;
  for (int i = 0; i < side; ++i) axis.push_back(i / static_cast<double>(side - 1));
  geometry.axes = {axis, axis};
  geometry.n = geometry.m = side * side;
  population.source_measures = measures;
  const kernels::CounterRandom random(seed, 2);
  std::uint64_t counter = 0;
  for (int k = 0; k < measures; ++k) {
    const double y = 0.2 + 0.6 * random.uniform(counter++);
    const double x = 0.2 + 0.6 * random.uniform(counter++);
    const double width = 0.1 + 0.1 * random.uniform(counter++);
    std::vector<double> weights;
    double mass = 0;
    for (const double v : axis)
      for (const double u : axis) {
        const double distance = (v - y) * (v - y) + (u - x) * (u - x);
        const double weight = std::exp(-distance / (2 * width * width));
        weights.push_back(weight > 0.1 ? weight : 0);
        mass += weights.back();
      }
    for (const double weight : weights) population.source_weights.push_back(weight / mass);
  }
  draw_problems(population, problems, seed);
  return population;
}

/// `measures` rows of random weights on `points` points, a quarter of them zero.
inline std::vector<double> random_measures(int measures, int points, std::uint64_t seed) {
  const kernels::CounterRandom random(seed, 3);
  std::vector<double> result;
  for (int k = 0; k < measures; ++k) {
    std::vector<double> weights;
    double mass = 0;
    for (int i = 0; i < points; ++i) {
      const auto counter = static_cast<std::uint64_t>(k * points + i);
      const double draw = random.uniform(counter);
      weights.push_back(i > 0 && draw < 0.25 ? 0 : draw);
      mass += weights.back();
    }
    for (const double weight : weights) result.push_back(weight / mass);
  }
  return result;
}

/// Measures of their own on both sides, on n and m points of the plane.
inline Population dense_population(int n, int m, int measures, int problems,
                                   std::uint64_t seed = 0) {
  Population population;
  Geometry& geometry = population.geometry;
  geometry.kind = Geometry::Kind::dense;
  geometry.n = n;
  geometry.m = m;
  geometry.dimension = 2;
  const kernels::CounterRandom random(seed, 4);
  for (int i = 0; i < 2 * (n + m); ++i) {
    auto& points = i < 2 * n ? geometry.source_points : geometry.target_points;
    points.push_back(random.uniform(static_cast<std::uint64_t>(i)));
  }
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j) {
      const double x = geometry.source_points[2 * i] - geometry.target_points[2 * j];
      const double y = geometry.source_points[2 * i + 1] - geometry.target_points[2 * j + 1];
      geometry.cost.push_back(x * x + y * y);
    }
  population.shared_measures = false;
  population.source_measures = measures;
  population.target_measures = measures + 1;
  population.source_weights = random_measures(measures, n, seed);
  population.target_weights = random_measures(measures + 1, m, seed + 1);
  draw_problems(population, problems, seed);
  return population;
}

/// A cloud of `points` random points on the line, the same on both sides.
inline Population line_population(int points, int measures, int problems,
                                  const std::string& cost_name) {
  Population population;
  Geometry& geometry = population.geometry;
  geometry.kind = Geometry::Kind::points;
  geometry.ground_cost = parse_ground_cost("cost", cost_name, {{"power", 1.5}});
  geometry.n = geometry.m = points;
  geometry.dimension = 1;
  const kernels::CounterRandom random(0, 5);
  for (int i = 0; i < points; ++i)
    geometry.source_points.push_back(0.5 + random.uniform(static_cast<std::uint64_t>(i)));
  geometry.target_points = geometry.source_points;
  population.source_measures = measures;
  population.source_weights = random_measures(measures, points, 6);
  draw_problems(population, problems, 0);
  return population;
}

/// `n` and `m` random points in space, `measures` on each side.
inline Population points_population(int n, int m, int measures, int problems,
                                    const std::string& cost_name) {
  Population population;
  Geometry& geometry = population.geometry;
  geometry.kind = Geometry::Kind::points;
  geometry.ground_cost = parse_ground_cost("cost", cost_name, {{"power", 1.5}});
  geometry.n = n;
  geometry.m = m;
  geometry.dimension = 3;
  const kernels::CounterRandom random(1, 5);
  for (int i = 0; i < 3 * (n + m); ++i)
    (i < 3 * n ? geometry.source_points : geometry.target_points)
        .push_back(0.5 + random.uniform(static_cast<std::uint64_t>(i)));
  population.shared_measures = false;
  population.source_measures = population.target_measures = measures;
  population.source_weights = random_measures(measures, n, 6);
  population.target_weights = random_measures(measures, m, 7);
  draw_problems(population, problems, 0);
  return population;
}

/// `measures` clouds of one to `most` random points, a quarter of them without weight, every cloud
/// around a center of its own.
inline CloudTable random_clouds(int measures, int most, std::int64_t dimension,
                                std::uint64_t seed) {
  const kernels::CounterRandom random(seed, 7);
  std::uint64_t counter = 0;
  CloudTable table;
  for (int k = 0; k < measures; ++k) {
    const auto size =
        1 + static_cast<int>(random.below(static_cast<std::uint64_t>(most), counter++));
    std::vector<double> center;
    for (std::int64_t c = 0; c < dimension; ++c) center.push_back(0.5 + random.uniform(counter++));
    for (int i = 0; i < dimension * size; ++i)
      table.points.push_back(center[static_cast<std::size_t>(i % dimension)] +
                             0.5 * random.uniform(counter++));
    const auto weights = random_measures(1, size, counter++);
    table.weights.insert(table.weights.end(), weights.begin(), weights.end());
    table.offsets.push_back(static_cast<std::int64_t>(table.weights.size()));
  }
  return table;
}

/// Measures with points of their own on both sides, or the same ones for both.
inline CloudPopulation cloud_population(int measures, int most, int problems, bool shared,
                                        const std::string& cost_name = "squared_euclidean",
                                        std::uint64_t seed = 0) {
  CloudPopulation population;
  population.ground_cost = parse_ground_cost("cost", cost_name, {{"power", 1.5}});
  population.dimension = 2;
  population.shared_measures = shared;
  population.sources = random_clouds(measures, most, population.dimension, seed);
  if (!shared)
    population.targets = random_clouds(measures + 1, most, population.dimension, seed + 1);
  const kernels::CounterRandom random(seed, 8);
  for (int k = 0; k < problems; ++k) {
    const auto draw = [&](const CloudTable& table, int side) {
      return static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(table.count()),
                                                    static_cast<std::uint64_t>(2 * k + side)));
    };
    population.source.push_back(draw(population.sources, 0));
    population.target.push_back(draw(population.target_table(), 1));
  }
  return population;
}

/// The weights of one side of problem `problem`.
inline std::vector<double> weights_of(const Population& population, bool source,
                                      std::int64_t problem) {
  const bool first = source || population.shared_measures;
  const auto& weights = first ? population.source_weights : population.target_weights;
  const auto points = source ? population.geometry.n : population.geometry.m;
  const auto at = static_cast<std::size_t>(problem);
  const auto measure = source ? population.source[at] : population.target[at];
  const auto begin = weights.begin() + measure * points;
  return {begin, begin + points};
}

/// The cost [n, m] of either kind of geometry, written out.
inline std::vector<double> cost_matrix(const Geometry& geometry) {
  if (geometry.kind == Geometry::Kind::dense) return geometry.cost;
  const auto points = geometry.points(true);
  const auto d = geometry.axes.size();
  std::vector<double> cost;
  for (std::int64_t i = 0; i < geometry.n; ++i)
    for (std::int64_t j = 0; j < geometry.m; ++j) {
      double sum = 0;
      for (std::size_t axis = 0; axis < d; ++axis) {
        const double step = points[i * d + axis] - points[j * d + axis];
        sum += step * step;
      }
      cost.push_back(sum);
    }
  return cost;
}

/// One problem between two clouds of `points` points each, uniform in a cube, with equal weights.
inline CloudPopulation large_problem(int points, int dimension) {
  const auto cloud = [&](std::uint64_t seed) {
    const kernels::CounterRandom random(seed, 1);
    CloudTable table;
    for (int i = 0; i < dimension * points; ++i)
      table.points.push_back(random.uniform(static_cast<std::uint64_t>(i)));
    table.weights.assign(static_cast<std::size_t>(points), 1.0 / points);
    table.offsets = {0, points};
    return table;
  };
  CloudPopulation population;
  population.dimension = dimension;
  population.shared_measures = false;
  population.sources = cloud(1);
  population.targets = cloud(2);
  population.source = population.target = {0};
  return population;
}

}  // namespace otfleet::testing

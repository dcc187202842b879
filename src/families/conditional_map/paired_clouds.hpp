#pragma once
#include <cstdint>
#include <span>

#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// A population without problems yet, for pairs of clouds in memory, squared Euclidean cost.
CloudPopulation no_pairs(std::int64_t dimension);

/// Adds a problem between points x and y, row-major, that have a measure each. Points without
/// weights weigh the same, 1 together.
void add_pair(CloudPopulation& pairs, std::span<const double> x, std::span<const double> y,
              std::span<const double> x_weights = {}, std::span<const double> y_weights = {});

}  // namespace otfleet

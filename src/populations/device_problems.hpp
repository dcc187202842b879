#pragma once
#include <cstdint>
#include <span>

#include "kernels/api/problems.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"

// Populations as kernels take them: measures and costs on the device, so far without pairs. Local.
// All throw UserError for points that the cost cannot take, and std::invalid_argument for the rest.

namespace otfleet {

/// The costs of a grid or of a cost matrix at this epsilon. Entries of a matrix that are more than
/// 1e15 epsilon above its smallest one become +inf, forbidden: no plan that avoids them has any
/// mass there.
kernels::SeparableCost make_cost_table(const Geometry& geometry, double epsilon);

/// Measures with weights [M, n] and [M', m] on a geometry. Without target weights both sides draw
/// from the source's; without any there are no measures.
kernels::Problems device_problems(const Geometry& geometry, double epsilon,
                                  std::span<const double> source_weights,
                                  std::span<const double> target_weights);

kernels::Problems device_problems(const Population& population, double epsilon);
/// Measures with points of their own. Keeps references into them where the device is the host.
kernels::Problems device_measures(const kernels::GroundCost& cost, std::int64_t dimension,
                                  const CloudTable& measures);
/// Keeps references into the population where the device is the host.
kernels::Problems device_problems(const CloudPopulation& population);

}  // namespace otfleet

#pragma once
#include <filesystem>
#include <functional>

#include "src/config/choice.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// What problem.epsilon may be a multiple of; none: it is in units of the cost.
enum class CostStatistic { none, mean, max, median, standard_deviation };

template <>
struct Choices<CostStatistic> {
  static constexpr Choice<CostStatistic> list[] = {{"none", CostStatistic::none},
                                                   {"mean", CostStatistic::mean},
                                                   {"max", CostStatistic::max},
                                                   {"median", CostStatistic::median},
                                                   {"std", CostStatistic::standard_deviation}};
};

/// A statistic over all pairs of a source and a target point, whatever their weights; entries of a
/// matrix that are not finite are left out. The standard deviation is divided by the number of
/// pairs. Exact for a grid (all but the median) and a matrix (all but the median), and elsewhere up
/// to 2^22 pairs; beyond, of 2^20 pairs that are always the same. Local. Memory: 8 bytes for every
/// pair that a median looks at.
double cost_statistic(const Geometry& geometry, CostStatistic statistic);

/// The same for a population of clouds, of which the file is read as far as needed: over pairs
/// within problems. Up to 64 problems, evenly spaced in the file, give all pairs of up to 256 of
/// their points on either side, evenly spaced in the measure. Local. Throws UserError.
double cloud_cost_statistic(const std::filesystem::path& file, CostStatistic statistic);
/// The same of a population that was read.
double cloud_cost_statistic(const CloudPopulation& population, CostStatistic statistic);

/// The same of distortions: squared differences (D − E)² of the costs D and E between two points of
/// a problem's source and two of its target, which see all coordinates but the last `features`. Up
/// to 64 problems give all pairs of up to 24 of their points on either side.
double distortion_statistic(const CloudPopulation& population, std::int64_t features,
                            CostStatistic statistic);

/// A matrix of the costs within a space [points, points].
struct CostMatrix {
  const double* costs;
  std::int64_t points;
};
/// The same where the source and the target of problem k have such matrices.
double distortion_statistic(std::int64_t problems,
                            const std::function<CostMatrix(std::int64_t)>& source,
                            const std::function<CostMatrix(std::int64_t)>& target,
                            CostStatistic statistic);

}  // namespace otfleet

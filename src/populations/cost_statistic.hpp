#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "src/populations/population.hpp"

namespace otfleet {

/// "mean", "max", "median", "std": what problem.epsilon may be a multiple of.
const std::vector<std::string>& cost_statistic_names();

/// A statistic over all pairs of a source and a target point, whatever their weights; entries of a
/// matrix that are not finite are left out. std: the standard deviation, divided by the number of
/// pairs. Exact for a grid (mean, max, std) and a matrix (all but the median), and elsewhere up to
/// 2^22 pairs; beyond, of 2^20 pairs that are always the same. Local. Memory: 8 bytes for every
/// pair that a median looks at.
double cost_statistic(const Geometry& geometry, const std::string& statistic);

/// The same for a population of clouds, of which the file is read as far as needed: over pairs
/// within problems. Up to 64 problems, evenly spaced in the file, give all pairs of up to 256 of
/// their points on either side, evenly spaced in the measure. Local. Throws UserError.
double cloud_cost_statistic(const std::filesystem::path& file, const std::string& statistic);

}  // namespace otfleet

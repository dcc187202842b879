#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/api/problems.hpp"
#include "kernels/solvers/sliced/settings.hpp"

namespace otfleet::kernels {

/// Pairs of clouds: problem k is between measures source[k] and target[k].
struct SlicedProblems {
  int coordinates = 0;
  double power = 2;  ///< p, of distances on a line
  OwnPointsSide sources, targets;
  std::span<const std::int32_t> source, target;  ///< [P]
};

/// Directions of length 1, uniform on the sphere: [count, coordinates], the same for a seed.
std::vector<double> random_directions(int count, int coordinates, std::uint64_t seed);

/// Of every problem, for masses of 1; see solvers/sliced/sliced.hpp.
struct SlicedResults {
  std::vector<double> sliced;        ///< mean over the directions
  std::vector<double> sliced_error;  ///< its standard error, of directions that are random
  std::vector<double> max_sliced;    ///< along `direction`
  std::vector<double> direction;     ///< [P, coordinates], of length 1
  std::vector<double> bound;         ///< what no direction exceeds
  std::vector<double> residual;      ///< slope that is left, or angle at which no step succeeds
  std::vector<std::int32_t> steps, status;
};

/// Along `directions` [K, coordinates], K >= 2; the best settings.starts of them, and the one
/// between the means, are then improved. Throws std::invalid_argument for measures without weight
/// and sizes that do not fit. Local.
SlicedResults sliced_distances(const SlicedProblems& problems, std::span<const double> directions,
                               const MaxSlicedSettings& settings);

}  // namespace otfleet::kernels

#pragma once
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace otfleet::kernels {

/// Throws std::invalid_argument, naming the problem, unless problem k has measures,
/// index[offsets[k]] … index[offsets[k + 1] − 1], that are among `measures`, with weights of the
/// same entries that are not negative and have a positive and finite sum.
inline void check_sets(const std::vector<std::int64_t>& offsets, std::span<const int> index,
                       std::span<const double> weight, int measures) {
  if (offsets.empty() || offsets.front() != 0 ||
      offsets.back() != static_cast<std::int64_t>(index.size()) || index.size() != weight.size())
    throw std::invalid_argument(
        "offsets, indices and weights of barycenter problems do not fit together");
  for (std::size_t k = 0; k + 1 < offsets.size(); ++k) {
    const std::string name = "problem " + std::to_string(k);
    if (offsets[k + 1] <= offsets[k]) throw std::invalid_argument(name + " has no measures");
    double sum = 0;
    for (auto at = static_cast<std::size_t>(offsets[k]);
         at < static_cast<std::size_t>(offsets[k + 1]); ++at) {
      if (index[at] < 0 || index[at] >= measures)
        throw std::invalid_argument(name + " names a measure that does not exist");
      if (!(weight[at] >= 0)) throw std::invalid_argument(name + " has a negative weight");
      sum += weight[at];
    }
    if (!(sum > 0) || !std::isfinite(sum))
      throw std::invalid_argument(name + " has no positive weight, or too large ones");
  }
}

}  // namespace otfleet::kernels

#pragma once
#include <cstdint>
#include <vector>

namespace otfleet {

/// Samples of both sides of some problems, and where the entropic plan between them sends each.
struct CoupledSamples {
  std::vector<double> source_images, target_images;  ///< [G, n, D]
};

/// Couples x [G, n, D] and y [G, n, D], all of the same weight, problem by problem: images are the
/// conditional means under the plan. All problems are solved as one batch, each at an epsilon of 2
/// % of its mean cost, to marginals within 1 %. Local.
CoupledSamples couple_samples(const std::vector<double>& x, const std::vector<double>& y,
                              std::int64_t problems, std::int64_t dimension);

}  // namespace otfleet

#pragma once
#include "kernels/api/detail/low_rank_clouds.hpp"

namespace otfleet::kernels::detail {

/// What transport costs at least.
struct DualBound {
  double value = 0;    ///< less its rounding
  double failure = 0;  ///< the probability, over draws, that it is too large; 0: it cannot be
};

/// Of squared distances between placed clouds: the dual value of a potential of few source points,
/// c-transformed to all of the target's and back; back from a sample of the source's points where
/// there are more pairs of points than `most_pairs`. Beyond, an empirical Bernstein bound (Maurer &
/// Pontil 2009, theorem 4) is on what the transform is less than one to few target points.
DualBound dual_bound(const PlacedCloud& source, const DeviceCloud& device_source,
                     const PlacedCloud& target, const DeviceCloud& device_target,
                     const Representatives& coarse_source, const Numbers& potential,
                     double most_pairs, std::uint64_t seed);

/// The same of Gromov–Wasserstein problems of squared distances, in the unit's fourth power: a
/// point is |x|² + variance from all others on average, and a pair of points pays for the
/// difference of these at least (Mémoli 2011, the first lower bound), which transport on a line
/// makes small. Less its rounding.
double matching_bound(const PlacedCloud& source, const PlacedCloud& target);

}  // namespace otfleet::kernels::detail

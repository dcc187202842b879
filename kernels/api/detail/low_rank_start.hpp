#pragma once
#include "kernels/api/detail/low_rank_clouds.hpp"

namespace otfleet::kernels::detail {

/// A plan between representatives: where it moves the source's, and a potential of theirs.
struct CoarsePlan {
  Numbers images;     ///< [n, width]
  Numbers potential;  ///< [n], of the unregularized problem; none where it is not linear
};
/// By Sinkhorn's iteration, blurred by a hundredth of what the spread of both clouds costs.
CoarsePlan coarse_plan(const Representatives& source, const Representatives& target, std::size_t d);

/// The same for the objective of Gromov–Wasserstein problems between the first d of the columns,
/// the best one of a few starts.
CoarsePlan coarse_matching(const Representatives& source, const Representatives& target,
                           std::size_t d, std::uint64_t seed);

}  // namespace otfleet::kernels::detail

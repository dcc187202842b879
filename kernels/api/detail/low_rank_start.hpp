#pragma once
#include "kernels/api/detail/low_rank_clouds.hpp"

namespace otfleet::kernels::detail {

/// A plan between representatives: where it moves the source's, and a potential of theirs.
struct CoarsePlan {
  Numbers images;     ///< [n, d]
  Numbers potential;  ///< [n], of the unregularized problem
};
/// By Sinkhorn's iteration, blurred by a hundredth of what the spread of both clouds costs.
CoarsePlan coarse_plan(const Representatives& source, const Representatives& target, std::size_t d);

}  // namespace otfleet::kernels::detail

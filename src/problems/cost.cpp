#include "src/problems/cost.hpp"

namespace otfleet {

kernels::SeparableCost make_cost(const Geometry& geometry) {
  if (geometry.kind == Geometry::Kind::grid)
    return kernels::SeparableCost::squared_euclidean_grid(geometry.axes);
  return kernels::SeparableCost::dense(static_cast<int>(geometry.n), static_cast<int>(geometry.m),
                                       geometry.cost);
}

}  // namespace otfleet

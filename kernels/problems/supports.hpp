#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/lanes/region.hpp"
#include "kernels/problems/problem_batch.hpp"

namespace otfleet::kernels {

/// Where the weights of B problems lie: the smallest region that holds each support, and an order
/// of the problems in which neighbors have similar regions. A tile computes on the region that its
/// lanes share, so that a digit of 20 × 15 pixels costs what it covers and not the whole 28 × 28.
template <class ExecutionSpace>
struct Supports {
  Vector<Region, ExecutionSpace> source, target;  ///< [B]
  Vector<int, ExecutionSpace> order;              ///< [B], a permutation
};

/// Local. Reads the weights of every problem once.
template <class ExecutionSpace>
Supports<ExecutionSpace> find_supports(const ExecutionSpace& space, const SeparableCost& cost,
                                       const ProblemBatch<ExecutionSpace>& problems);

}  // namespace otfleet::kernels

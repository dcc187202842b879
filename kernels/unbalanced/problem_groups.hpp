#pragma once
#include <utility>

#include "kernels/sinkhorn/launch.hpp"
#include "kernels/sinkhorn/selection.hpp"
#include "kernels/unbalanced/cloud_soft_minimum.hpp"
#include "kernels/unbalanced/grid_soft_minimum.hpp"

// How many problems block ascent takes together: all of a batch on grids, one after the other on
// clouds, whose passes fill the machine by themselves and whose points take memory.

namespace otfleet::kernels {

/// Calls body(soft_minimum, group, first, last) for groups of neighboring problems.
template <class ExecutionSpace, class Body>
void for_groups(const ExecutionSpace& space, const SeparableCost& cost,
                const ProblemBatch<ExecutionSpace>& problems, double epsilon, const Body& body) {
  GridSoftMinimum<ExecutionSpace> soft_minimum(space, cost, problems, epsilon);
  body(soft_minimum, problems, 0, problems.size());
}

template <class ExecutionSpace, class Body>
void for_groups(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                const ProblemBatch<ExecutionSpace>& problems, double epsilon, const Body& body) {
  CloudCache<double, ExecutionSpace> sources(cost.x(), 1.0), targets(cost.y(), 1.0);
  for (int k = 0; k < problems.size(); ++k) {
    const Vector<int, ExecutionSpace> only("otfleet::unbalanced::only", 1);
    Kokkos::deep_copy(only, k);
    const ProblemBatch<ExecutionSpace> group =
        select<ExecutionSpace>(space, problems, Vector<const int, ExecutionSpace>(only));
    CloudSoftMinimum<ExecutionSpace> soft_minimum(space, cost, sources, targets, group, epsilon);
    body(soft_minimum, group, k, k + 1);
  }
}

/// Throws std::invalid_argument when measures, indices and cost do not fit together.
template <class ExecutionSpace>
void check_problems(const SeparableCost& cost, const ProblemBatch<ExecutionSpace>& problems,
                    double epsilon) {
  check_batch(cost, problems, epsilon);
}
template <class ExecutionSpace>
void check_problems(const PointCloudCost<ExecutionSpace>& cost,
                    const ProblemBatch<ExecutionSpace>& problems, double epsilon) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the clouds have");
  if (problems.size() > 0) host_indices(problems);
}

/// Rows first … last − 1 of an array.
template <class Array>
Array rows_of(const Array& array, int first, int last) {
  if constexpr (Array::rank == 1)
    return Kokkos::subview(array, std::make_pair(first, last));
  else
    return Kokkos::subview(array, std::make_pair(first, last), Kokkos::ALL());
}

}  // namespace otfleet::kernels

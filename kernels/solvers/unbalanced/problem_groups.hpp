#pragma once
#include <utility>

#include "kernels/backend.hpp"
#include "kernels/operators/in_lanes/grid_soft_minimum.hpp"
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_passes/cloud_soft_minimum.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/problems/selection.hpp"

// How many problems block ascent takes together: on grids all of a batch on a GPU, on a CPU as many
// as stay in its caches; on clouds one after the other, since their passes fill the machine by
// themselves and their points take memory.

namespace otfleet::kernels {

/// Calls body(soft_minimum, group, first, last) for groups of neighboring problems.
template <class ExecutionSpace, class Body>
void for_groups(const ExecutionSpace& space, const SeparableCost& cost,
                const ProblemBatch<ExecutionSpace>& problems, double epsilon, const Body& body) {
  constexpr int together = Backend<ExecutionSpace>::ascent_problems;
  for (int first = 0, last = 0; first < problems.size(); first = last) {
    last = problems.size() - first > together ? first + together : problems.size();
    const auto rows = std::make_pair(first, last);
    const ProblemBatch<ExecutionSpace> group{problems.source, problems.target,
                                             Kokkos::subview(problems.source_index, rows),
                                             Kokkos::subview(problems.target_index, rows)};
    GridSoftMinimum<ExecutionSpace> soft_minimum(space, cost, group, epsilon);
    body(soft_minimum, group, first, last);
  }
}

template <class ExecutionSpace, class Body>
void for_groups(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                const ProblemBatch<ExecutionSpace>& problems, double epsilon, const Body& body) {
  const auto batch = make_cloud_problems(cost, problems, epsilon);
  for_each_cloud_problem<double>(space, batch, 1.0, [&](const auto& problem) {
    const int k = problem.k;
    const Vector<int, ExecutionSpace> only("otfleet::unbalanced::only", 1);
    Kokkos::deep_copy(only, k);
    const ProblemBatch<ExecutionSpace> group =
        select<ExecutionSpace>(space, problems, Vector<const int, ExecutionSpace>(only));
    CloudSoftMinimum<ExecutionSpace> soft_minimum(space, batch.ground_cost, problem, epsilon);
    body(soft_minimum, group, k, k + 1);
  });
}

/// Throws std::invalid_argument when measures, indices and cost do not fit together.
template <class ExecutionSpace>
void check_problems(const ExecutionSpace& space, const SeparableCost& cost,
                    const ProblemBatch<ExecutionSpace>& problems, double epsilon) {
  check_batch(space, cost, problems, epsilon);
}
template <class ExecutionSpace>
void check_problems(const ExecutionSpace&, const PointCloudCost<ExecutionSpace>& cost,
                    const ProblemBatch<ExecutionSpace>& problems, double epsilon) {
  make_cloud_problems(cost, problems, epsilon);
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

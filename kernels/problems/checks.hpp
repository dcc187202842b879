#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/exponents.hpp"
#include "kernels/problems/problem_batch.hpp"

// What every solver checks before it begins, whatever its cost. All throw std::invalid_argument.

namespace otfleet::kernels {

/// Unless the measures have n and m points and the indices go in pairs; `cost_has` begins what the
/// message says of the cost.
template <class ExecutionSpace>
void check_measures(int n, int m, const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                    const std::string& cost_has) {
  if (!(epsilon > 0) || !std::isfinite(epsilon))
    throw std::invalid_argument("epsilon must be > 0 and finite");
  if (problems.source_index.extent(0) != problems.target_index.extent(0))
    throw std::invalid_argument("a batch needs as many source as target indices");
  if (problems.size() == 0) return;
  if (problems.source.points() != n || problems.target.points() != m)
    throw std::invalid_argument("measures have " + std::to_string(problems.source.points()) +
                                " and " + std::to_string(problems.target.points()) + " points, " +
                                cost_has + " " + std::to_string(n) + " and " + std::to_string(m));
}

/// Unless `array` is [rows, columns].
template <class Array>
void check_rows(const std::string& name, const Array& array, std::int64_t rows,
                std::int64_t columns) {
  if (array.extent(0) != static_cast<std::size_t>(rows) ||
      array.extent(1) != static_cast<std::size_t>(columns))
    throw std::invalid_argument(name + " is " + std::to_string(array.extent(0)) + " x " +
                                std::to_string(array.extent(1)) + ", expected " +
                                std::to_string(rows) + " x " + std::to_string(columns));
}

/// Throws std::invalid_argument when problems name measures that do not exist.
template <class ExecutionSpace>
void check_indices(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems) {
  if (problems.indices_checked) return;
  const int sources = problems.source.count(), targets = problems.target.count();
  const auto source = problems.source_index, target = problems.target_index;
  int wrong = 0;
  Kokkos::parallel_reduce(
      "otfleet::sinkhorn::check_indices",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()),
      KOKKOS_LAMBDA(int k, int& sum) {
        sum += source(k) < 0 || source(k) >= sources || target(k) < 0 || target(k) >= targets;
      },
      wrong);
  if (wrong > 0)
    throw std::invalid_argument(std::to_string(wrong) +
                                " problems name measures that do not exist");
}

/// Throws std::invalid_argument when measures, indices and cost do not fit together.
template <class ExecutionSpace>
void check_batch(const ExecutionSpace& space, const SeparableCost& cost,
                 const ProblemBatch<ExecutionSpace>& problems, double epsilon) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the cost has");
  check_exponents("", cost.range(), epsilon);
  if (problems.size() > 0) check_indices(space, problems);
}

}  // namespace otfleet::kernels

#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// Measures on the device: weights [M, points] row-major, non-negative, with their masses [M] and
/// the smallest positive weight of all, relative to its measure's mass (what decides whether the
/// scaling path is safe).
template <class ExecutionSpace>
struct Measures {
  Matrix<const double, ExecutionSpace> weights;
  Vector<const double, ExecutionSpace> mass;
  double smallest_weight = 1;

  Measures() = default;
  /// Computes masses and the smallest weight. Throws std::invalid_argument that names the measure
  /// when one has a negative or non-finite weight or no mass.
  Measures(const ExecutionSpace& space, Matrix<const double, ExecutionSpace> weights);

  KOKKOS_FUNCTION int count() const { return static_cast<int>(weights.extent(0)); }
  KOKKOS_FUNCTION int points() const { return static_cast<int>(weights.extent(1)); }
};

/// B problems: problem k transports measure source_index(k) of `source` to measure target_index(k)
/// of `target`. The target is scaled to the source's mass, so that rounding of stored weights never
/// shows up as a marginal error that no plan can remove.
template <class ExecutionSpace>
struct ProblemBatch {
  Measures<ExecutionSpace> source, target;
  Vector<const int, ExecutionSpace> source_index, target_index;

  KOKKOS_FUNCTION int size() const { return static_cast<int>(source_index.extent(0)); }
  double smallest_weight() const {
    return source.smallest_weight < target.smallest_weight ? source.smallest_weight
                                                           : target.smallest_weight;
  }
};

/// The same problems, transporting the other way.
template <class ExecutionSpace>
ProblemBatch<ExecutionSpace> exchange_sides(const ProblemBatch<ExecutionSpace>& problems) {
  return {problems.target, problems.source, problems.target_index, problems.source_index};
}

}  // namespace otfleet::kernels

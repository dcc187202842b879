#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// A weight as a share of its measure's mass; a positive one stays positive.
KOKKOS_INLINE_FUNCTION double share_of_mass(double weight, double mass) {
  constexpr double least = Kokkos::Experimental::norm_min<double>::value;
  const double share = weight / mass;
  return weight > 0 && share < least ? least : share;
}

/// Measures on the device: masses [M], and weights [M, points] row-major, non-negative, as shares
/// of the measure's mass: kernels compute with these, and multiply what they find by the mass in
/// the end, so that no mass is too small or too large. smallest_weight: the smallest positive share
/// of all (what decides whether the scaling path is safe).
template <class ExecutionSpace>
struct Measures {
  Matrix<const double, ExecutionSpace> weights;
  Vector<const double, ExecutionSpace> mass;
  double smallest_weight = 1;

  Measures() = default;
  /// From weights in any units, which are copied. A positive weight stays positive. Throws
  /// std::invalid_argument that names the measure when one has a negative or non-finite weight or
  /// no mass.
  Measures(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& given);
  /// Of mass 1, where they lie and without a look at them: the caller vouches that every row is the
  /// shares of a measure, none that is positive below `smallest_weight`. They may change later.
  static Measures of_shares(const Matrix<const double, ExecutionSpace>& shares,
                            double smallest_weight);

  KOKKOS_FUNCTION int count() const { return static_cast<int>(weights.extent(0)); }
  KOKKOS_FUNCTION int points() const { return static_cast<int>(weights.extent(1)); }
};

/// B problems: problem k transports measure source_index(k) of `source` to measure target_index(k)
/// of `target`. The target is taken to have the source's mass, so that rounding of stored weights
/// never shows up as a marginal error that no plan can remove.
template <class ExecutionSpace>
struct ProblemBatch {
  Measures<ExecutionSpace> source, target;
  Vector<const int, ExecutionSpace> source_index, target_index;
  bool indices_checked = false;  ///< both are known to name measures that there are

  KOKKOS_FUNCTION int size() const { return static_cast<int>(source_index.extent(0)); }
  double smallest_weight() const {
    return source.smallest_weight < target.smallest_weight ? source.smallest_weight
                                                           : target.smallest_weight;
  }
};

/// The same problems, transporting the other way.
template <class ExecutionSpace>
ProblemBatch<ExecutionSpace> exchange_sides(const ProblemBatch<ExecutionSpace>& problems) {
  return {problems.target, problems.source, problems.target_index, problems.source_index,
          problems.indices_checked};
}

}  // namespace otfleet::kernels

#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/geometry/single_costs.hpp"
#include "kernels/host_values.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"

// The plans of a batch entry by entry, whatever the geometry.

namespace otfleet::kernels {

/// One side of B problems: problem k has the points begin(k) … begin(k + 1) − 1 of flat arrays; its
/// first weight, and its first point where measures have their own, is number first(k).
template <class ExecutionSpace>
struct PlanSide {
  Vector<const std::int64_t, ExecutionSpace> begin;  ///< [B + 1]
  Vector<const std::int64_t, ExecutionSpace> first;  ///< [B]
  const double* weights = nullptr;                   ///< shares of the mass

  KOKKOS_FUNCTION int size(int k) const { return static_cast<int>(begin(k + 1) - begin(k)); }
  KOKKOS_FUNCTION double weight(int k, int i) const { return weights[first(k) + i]; }
};

template <class ExecutionSpace>
struct PlanProblems {
  PlanSide<ExecutionSpace> source, target;
  Vector<const double, ExecutionSpace> mass;  ///< [B]
  std::int64_t rows = 0, columns = 0;         ///< of all problems

  KOKKOS_FUNCTION int size() const { return static_cast<int>(mass.extent(0)); }
  /// The problem and the point of a row of all.
  KOKKOS_FUNCTION int problem_of(std::int64_t row, int& i) const {
    int low = 0, high = size();
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (source.begin(middle) <= row ? low : high) = middle;
    }
    i = static_cast<int>(row - source.begin(low));
    return low;
  }
};

template <class ExecutionSpace>
PlanProblems<ExecutionSpace> plan_problems(const BatchSide<ExecutionSpace>& source,
                                           const BatchSide<ExecutionSpace>& target) {
  PlanProblems<ExecutionSpace> result;
  const auto make_side = [](const BatchSide<ExecutionSpace>& side, std::int64_t& all) {
    std::vector<std::int64_t> begin = {0}, first;
    for (const int measure : side.index) {
      begin.push_back(begin.back() + side.size(measure));
      first.push_back(side.shares_points() ? measure * side.stride : side.first_point(measure));
    }
    all = begin.back();
    return PlanSide<ExecutionSpace>{
        copy_to_device<ExecutionSpace>("otfleet::plan::problems", begin),
        copy_to_device<ExecutionSpace>("otfleet::plan::problems", first), side.weights};
  };
  result.source = make_side(source, result.rows);
  result.target = make_side(target, result.columns);
  std::vector<double> mass;
  for (const int measure : source.index) mass.push_back(source.mass[measure]);
  result.mass = copy_to_device<ExecutionSpace>("otfleet::plan::problems", mass);
  return result;
}

/// Costs of points that all problems share.
template <class Costs>
struct SharedCosts {
  Costs costs;

  KOKKOS_FUNCTION auto row(int, int i) const { return costs.row(i); }
  template <class Row>
  KOKKOS_FUNCTION double cost(int, const Row& row, int j) const {
    return costs.cost(row, j);
  }
};

/// Costs of points that every measure has for itself.
template <class Cost, class ExecutionSpace>
struct OwnCosts {
  PointCosts<Cost, ExecutionSpace> costs;  ///< of the points of all measures
  Vector<const std::int64_t, ExecutionSpace> first_source, first_target;

  KOKKOS_FUNCTION auto row(int k, int i) const {
    return costs.row(static_cast<int>(first_source(k)) + i);
  }
  template <class Row>
  KOKKOS_FUNCTION double cost(int k, const Row& row, int j) const {
    return costs.cost(row, static_cast<int>(first_target(k)) + j);
  }
};

/// Costs that are stored, a matrix for every problem.
template <class ExecutionSpace>
struct MatrixCosts {
  const double* values;
  Vector<const std::int64_t, ExecutionSpace> begin;  ///< [B]
  PlanSide<ExecutionSpace> target;

  KOKKOS_FUNCTION const double* row(int k, int i) const {
    return values + begin(k) + static_cast<std::int64_t>(i) * target.size(k);
  }
  KOKKOS_FUNCTION double cost(int, const double* row, int j) const { return row[j]; }
};

/// The rows of B plans, one problem after the other; an entry is e^exponent times the mass.
template <class Costs, class ExecutionSpace>
struct PlanRows {
  Costs costs;
  PlanProblems<ExecutionSpace> problems;
  const double *f, *g;  ///< flat
  double minimum;       ///< of the cost, which `costs` leaves out
  double inverse_epsilon;
  Vector<const int, ExecutionSpace> support;    ///< flat: target points with weight, ascending
  Vector<const int, ExecutionSpace> supported;  ///< [B]: how many

  KOKKOS_FUNCTION bool has_weight(int k, int i) const { return problems.source.weight(k, i) > 0; }
  KOKKOS_FUNCTION double mass(int k) const { return problems.mass(k); }
  /// Calls visit(j, exponent) with ascending j for as long as it returns true.
  template <class Visit>
  KOKKOS_FUNCTION void for_entries(int k, int i, const Visit& visit) const {
    const auto row = costs.row(k, i);
    const double potential = f[problems.source.begin(k) + i] - ::log(mass(k)) / inverse_epsilon;
    const double* others = g + problems.target.begin(k);
    const int *places = support.data() + problems.target.begin(k), count = supported(k);
    for (int s = 0; s < count; ++s) {
      const int j = places[s];
      const double gain = (potential + (others[j] - minimum)) - costs.cost(k, row, j);
      if (!visit(j, gain * inverse_epsilon)) return;
    }
  }
};

}  // namespace otfleet::kernels

#pragma once
#include <limits>

#include "kernels/clouds/cloud_pass.hpp"

// The plan of given potentials, in double: what certify(), semi_dual() and projections look at.

namespace otfleet::kernels {

/// One side of a problem; arrays are [points.padded()], potentials to base 2 in units of epsilon.
template <class ExecutionSpace>
struct PlanSide {
  using Array = Vector<double, ExecutionSpace>;
  Support<ExecutionSpace> support;
  CloudPoints<ExecutionSpace, double> points;
  Array potential, shift, sum;
};

/// Arrays whose padding adds nothing to a pass.
template <class ExecutionSpace>
Vector<double, ExecutionSpace> padded_array(const ExecutionSpace& space,
                                            const CloudPoints<ExecutionSpace, double>& points,
                                            double padding) {
  const Vector<double, ExecutionSpace> result(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::plan"), points.padded());
  Kokkos::deep_copy(space, result, padding);
  return result;
}

template <class ExecutionSpace>
PlanSide<ExecutionSpace> make_plan_side(const ExecutionSpace& space,
                                        CloudCache<double, ExecutionSpace>& cache,
                                        const Support<ExecutionSpace>& support) {
  PlanSide<ExecutionSpace> side;
  side.support = support;
  side.points = cache.gather(space, support.index, support.count);
  side.potential = padded_array(space, side.points, -std::numeric_limits<double>::infinity());
  side.shift = padded_array(space, side.points, 0);
  side.sum = padded_array(space, side.points, 0);
  return side;
}

/// The sum of term(i) over 0 … count − 1.
template <class ExecutionSpace, class Term>
double sum_terms(const ExecutionSpace& space, int count, const Term& term) {
  double sum = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::sum_terms", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i, double& part) { part += term(i); }, sum);
  return sum;
}

/// The largest entry of row k of f on the support; 0 when none of them is above −inf.
template <class ExecutionSpace>
double largest_potential(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& f,
                         int k, const Support<ExecutionSpace>& support) {
  const auto index = support.index;
  double largest = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::largest_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, support.count),
      KOKKOS_LAMBDA(int i, double& most) {
        if (f(k, index(i)) > most) most = f(k, index(i));
      },
      Kokkos::Max<double>(largest));
  return largest > -std::numeric_limits<double>::max() ? largest : 0.0;
}

/// side.potential = row k of f, less `largest`; side.shift = −side.potential.
template <class ExecutionSpace>
void load_side(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& f, int k,
               double largest, double scale, const PlanSide<ExecutionSpace>& side) {
  const auto index = side.support.index;
  const auto potential = side.potential, shift = side.shift;
  Kokkos::parallel_for(
      "otfleet::clouds::load_side",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        potential(i) = (f(k, index(i)) - largest) * scale;
        shift(i) = -potential(i);
      });
}

/// From row k of f, less `largest`: source.potential, and the target's by the half-step.
template <CostForm form, class ExecutionSpace>
void fit_target(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& f, int k,
                double largest, const PlanSide<ExecutionSpace>& source,
                const PlanSide<ExecutionSpace>& target, double scale, double power) {
  load_side(space, f, k, largest, scale, source);
  const auto left = source.potential;
  run_pass<form, PassResult::largest>(space, target.points, source.points, left, target.shift,
                                      target.shift, scale, power);
  run_pass<form, PassResult::exponential>(space, target.points, source.points, left, target.shift,
                                          target.sum, scale, power);
  const auto weights = target.support.log_weight;
  const auto right = target.potential, shift = target.shift, sum = target.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::half_step",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, target.points.count),
      KOKKOS_LAMBDA(int j) { right(j) = weights(j) - (shift(j) + ::log2(sum(j))); });
}

/// Row k of g, −inf outside the support.
template <class ExecutionSpace>
void store_target_potential(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& target,
                            double scale, double constant, int k,
                            const Matrix<double, ExecutionSpace>& g) {
  const auto index = target.support.index;
  const auto potential = target.potential;
  Kokkos::parallel_for(
      "otfleet::clouds::clear_g",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(g.extent(1))),
      KOKKOS_LAMBDA(int j) { g(k, j) = -Kokkos::Experimental::infinity<double>::value; });
  Kokkos::parallel_for(
      "otfleet::clouds::store_g",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, target.points.count),
      KOKKOS_LAMBDA(int j) { g(k, index(j)) = potential(j) / scale + constant; });
}

/// shift = −potential.
template <class ExecutionSpace>
void shift_by_potential(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side) {
  const auto potential = side.potential, shift = side.shift;
  Kokkos::parallel_for(
      "otfleet::clouds::shift_by_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i) { shift(i) = -potential(i); });
}

/// fit_target(), and source.sum = P1. No exponent is positive in the last pass: a plan with exact
/// columns has P_ij <= b_j. Both shifts are what cancels the side's own potential.
template <CostForm form, class ExecutionSpace>
void make_plan(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& f, int k,
               double largest, const PlanSide<ExecutionSpace>& source,
               const PlanSide<ExecutionSpace>& target, double scale, double power) {
  fit_target<form>(space, f, k, largest, source, target, scale, power);
  shift_by_potential(space, target);
  run_pass<form, PassResult::exponential>(space, source.points, target.points, target.potential,
                                          source.shift, source.sum, scale, power);
}

/// <f, a> for row k.
template <class ExecutionSpace>
double source_dual(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& f,
                   int k, const Support<ExecutionSpace>& support) {
  const auto index = support.index;
  const auto weight = support.weight;
  return sum_terms(
      space, support.count, KOKKOS_LAMBDA(int i) { return weight(i) * f(k, index(i)); });
}

/// The sum of weight × potential of one side, in units of epsilon to base 2.
template <class ExecutionSpace>
double potential_sum(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side) {
  const auto weight = side.support.weight;
  const auto potential = side.potential;
  return sum_terms(
      space, side.points.count, KOKKOS_LAMBDA(int i) { return weight(i) * potential(i); });
}

/// The plan's mass.
template <class ExecutionSpace>
double plan_mass(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side) {
  const auto sum = side.sum;
  return sum_terms(
      space, side.points.count, KOKKOS_LAMBDA(int i) { return sum(i); });
}

}  // namespace otfleet::kernels

#pragma once
#include <cmath>
#include <limits>

#include "kernels/operators/in_passes/cloud_pass.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"

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

/// An array whose padding adds nothing to a pass.
template <class ExecutionSpace>
Vector<double, ExecutionSpace> padded_array(const ExecutionSpace& space,
                                            CloudArena<ExecutionSpace>& arena,
                                            const CloudPoints<ExecutionSpace, double>& points,
                                            double padding) {
  return arena.take_filled(space, static_cast<std::size_t>(points.padded()), padding);
}

template <class ExecutionSpace>
PlanSide<ExecutionSpace> make_plan_side(const ExecutionSpace& space,
                                        CloudArena<ExecutionSpace>& arena,
                                        const ProblemSide<ExecutionSpace, double>& side) {
  return {side.support, side.points,
          padded_array(space, arena, side.points, -std::numeric_limits<double>::infinity()),
          padded_array(space, arena, side.points, 0), padded_array(space, arena, side.points, 0)};
}

/// The sum of term(i) over the points, those that others hold too.
template <class ExecutionSpace, class Term>
double sum_terms(const ExecutionSpace& space, const CloudPoints<ExecutionSpace, double>& points,
                 const Term& term) {
  double sum = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::sum_terms", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points.count),
      KOKKOS_LAMBDA(int i, double& part) { part += term(i); }, sum);
  return all_sum(points.communicator, sum);
}

/// The largest entry of a problem's row of f on the support; 0 when none of them is above −inf.
template <class ExecutionSpace>
double largest_potential(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& f,
                         const PlanSide<ExecutionSpace>& side) {
  const double largest = largest_on_support(space, f, side.support, side.points.communicator);
  return largest > -std::numeric_limits<double>::max() ? largest : 0.0;
}

/// side.potential = a row of f, less `largest`; side.shift = −side.potential.
template <class ExecutionSpace>
void load_side(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& f,
               double largest, double scale, const PlanSide<ExecutionSpace>& side) {
  const auto index = side.support.index;
  const auto potential = side.potential, shift = side.shift;
  Kokkos::parallel_for(
      "otfleet::clouds::load_side",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        potential(i) = (f(index(i)) - largest) * scale;
        shift(i) = -potential(i);
      });
}

/// From a row of f, less `largest`: source.potential, and the target's by the half-step.
template <class Cost, class ExecutionSpace>
void fit_target(const ExecutionSpace& space, const Cost& cost,
                const Vector<const double, ExecutionSpace>& f, double largest,
                const PlanSide<ExecutionSpace>& source, const PlanSide<ExecutionSpace>& target,
                double scale) {
  load_side(space, f, largest, scale, source);
  const auto left = source.potential;
  run_pass<PassResult::largest>(space, cost, target.points, source.points, left, target.shift,
                                target.shift, scale);
  run_pass<PassResult::exponential>(space, cost, target.points, source.points, left, target.shift,
                                    target.sum, scale);
  const auto weights = target.support.log_weight;
  const auto right = target.potential, shift = target.shift, sum = target.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::half_step",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, target.points.count),
      KOKKOS_LAMBDA(int j) { right(j) = weights(j) - (shift(j) + ::log2(sum(j))); });
}

/// A row of g for a problem of this mass, −inf outside the support.
template <class ExecutionSpace>
void store_target_potential(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& target,
                            double scale, double largest, double mass,
                            const Vector<double, ExecutionSpace>& g) {
  const double constant = std::log2(mass) / scale - largest;
  const auto index = target.support.index;
  const auto potential = target.potential;
  Kokkos::parallel_for(
      "otfleet::clouds::clear_g",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(g.extent(0))),
      KOKKOS_LAMBDA(int j) { g(j) = -Kokkos::Experimental::infinity<double>::value; });
  Kokkos::parallel_for(
      "otfleet::clouds::store_g",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, target.points.count),
      KOKKOS_LAMBDA(int j) { g(index(j)) = potential(j) / scale + constant; });
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
template <class Cost, class ExecutionSpace>
void make_plan(const ExecutionSpace& space, const Cost& cost,
               const Vector<const double, ExecutionSpace>& f, double largest,
               const PlanSide<ExecutionSpace>& source, const PlanSide<ExecutionSpace>& target,
               double scale) {
  fit_target(space, cost, f, largest, source, target, scale);
  shift_by_potential(space, target);
  run_pass<PassResult::exponential>(space, cost, source.points, target.points, target.potential,
                                    source.shift, source.sum, scale);
}

/// <f, a> for a row of f, over the mass.
template <class ExecutionSpace>
double source_dual(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& f,
                   const PlanSide<ExecutionSpace>& source) {
  const auto index = source.support.index;
  const auto weight = source.support.weight;
  return sum_terms(
      space, source.points, KOKKOS_LAMBDA(int i) { return weight(i) * f(index(i)); });
}

/// The sum of weight × potential of one side, in units of epsilon to base 2.
template <class ExecutionSpace>
double potential_sum(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side) {
  const auto weight = side.support.weight;
  const auto potential = side.potential;
  return sum_terms(
      space, side.points, KOKKOS_LAMBDA(int i) { return weight(i) * potential(i); });
}

/// The plan's mass, a share of what it should be.
template <class ExecutionSpace>
double plan_mass(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side) {
  const auto sum = side.sum;
  return sum_terms(
      space, side.points, KOKKOS_LAMBDA(int i) { return sum(i); });
}

/// The dual value of a row of f, whose plan make_plan() has left in both sides.
template <class ExecutionSpace>
double dual_value(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& f,
                  double largest, double mass, double epsilon,
                  const PlanSide<ExecutionSpace>& source, const PlanSide<ExecutionSpace>& target) {
  const double scale = 1 / (epsilon * std::log(2.0));
  return mass * (source_dual(space, f, source) + potential_sum(space, target) / scale - largest +
                 epsilon * (std::log(mass) + 1 - plan_mass(space, source)));
}

}  // namespace otfleet::kernels

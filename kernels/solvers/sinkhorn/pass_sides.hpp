#pragma once
#include <cmath>
#include <limits>

#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "kernels/operators/shifts.hpp"

// What Sinkhorn's iteration in passes knows about one problem.

namespace otfleet::kernels {

/// What an iteration knows about one side of a problem; arrays are [points.padded()]. Potentials
/// are to base 2, in units of epsilon. Where the form of the cost is a product they have taken up
/// the terms of single points: potential_i = f_i − |x_i|², so that no pass adds a norm.
template <class ExecutionSpace, class Scalar>
struct IterationSide {
  Support<ExecutionSpace> support;
  CloudPoints<ExecutionSpace, Scalar> points;
  Vector<Scalar, ExecutionSpace> potential;
  Vector<Scalar, ExecutionSpace> shift;  ///< log2 of the last sums, near the next
  Vector<Scalar, ExecutionSpace> sum;    ///< what the last pass found, in units of 2^shift
  bool shift_fits = false;               ///< the next sums may use shift as it is
  bool shift_is_a_guess = false;         ///< and if it fits, it is by luck: look at the sums
};

template <class ExecutionSpace, class Scalar>
IterationSide<ExecutionSpace, Scalar> make_side(const ExecutionSpace& space,
                                                CloudArena<ExecutionSpace>& arena,
                                                const ProblemSide<ExecutionSpace, Scalar>& given) {
  IterationSide<ExecutionSpace, Scalar> side;
  side.support = given.support;
  side.points = given.points;
  const auto length = static_cast<std::size_t>(side.points.padded());
  side.potential = arena.take_filled(space, length, -std::numeric_limits<Scalar>::infinity());
  side.shift = arena.take_filled(space, length, Scalar(0));
  side.sum = arena.take_filled(space, length, Scalar(0));
  return side;
}

/// Between rows of f and a side's potentials: scale = log2(e)/epsilon; norm_scale the
/// same where the form of the cost is a product of an |x − y|², 0 elsewhere.
template <class ExecutionSpace>
struct PotentialUnits {
  PlacedPoints<ExecutionSpace> points;
  double scale, norm_scale;
  double left_out = 0;  ///< see IterationUnits

  KOKKOS_FUNCTION double norm(int i) const {
    double sum = 0;
    if (norm_scale > 0)
      for (int k = 0; k < points.dimension(); ++k) sum += points(i, k) * points(i, k);
    return sum * norm_scale;
  }
};

/// A row of f, less its largest entry on the support (or 0, where that is larger), or zeros.
template <class ExecutionSpace, class Scalar>
void load_potential(const ExecutionSpace& space, const PotentialUnits<ExecutionSpace>& units,
                    const Vector<const double, ExecutionSpace>& f, bool from_zeros,
                    const IterationSide<ExecutionSpace, Scalar>& side) {
  const auto index = side.support.index;
  const auto potential = side.potential;
  double largest = from_zeros ? 0.0
                              : largest_on_support<ExecutionSpace>(space, f, side.support,
                                                                   side.points.communicator);
  if (!(std::abs(largest) < std::numeric_limits<double>::max())) largest = 0;
  Kokkos::parallel_for(
      "otfleet::clouds::load_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const double start = from_zeros ? 0.0 : (f(index(i)) - largest) * units.scale;
        potential(i) = static_cast<Scalar>(start - units.norm(index(i)));
      });
}

/// Shifts that are ShiftRange::guess below what no sum of 2^(f_i/epsilon − C_ij/epsilon) exceeds:
/// no cost is below 0, no f above 0, and the other side has `points` points.
template <class ExecutionSpace, class Scalar>
void guess_shift(const ExecutionSpace& space, const PotentialUnits<ExecutionSpace>& units,
                 double points, IterationSide<ExecutionSpace, Scalar>& side) {
  const auto index = side.support.index;
  const auto shift = side.shift;
  const double level = std::log2(points) - ShiftRange<Scalar>::guess + units.scale * units.left_out;
  Kokkos::parallel_for(
      "otfleet::clouds::guess_shift",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i) { shift(i) = static_cast<Scalar>(level + units.norm(index(i))); });
  side.shift_fits = side.shift_is_a_guess = true;
}

/// The same for rows of a plan whose columns have their masses: no entry is above 1.
template <class ExecutionSpace, class Scalar>
void guess_shift(const ExecutionSpace& space, IterationSide<ExecutionSpace, Scalar>& side) {
  const auto potential = side.potential, shift = side.shift;
  Kokkos::parallel_for(
      "otfleet::clouds::guess_row_shift",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        shift(i) = -potential(i) - static_cast<Scalar>(ShiftRange<Scalar>::guess);
      });
  side.shift_fits = side.shift_is_a_guess = true;
}

/// A row of f from the potentials, −inf outside the support.
template <class ExecutionSpace, class Scalar>
void store_potential(const ExecutionSpace& space, const PotentialUnits<ExecutionSpace>& units,
                     const IterationSide<ExecutionSpace, Scalar>& side,
                     const Vector<double, ExecutionSpace>& f) {
  const auto index = side.support.index;
  const auto potential = side.potential;
  Kokkos::parallel_for(
      "otfleet::clouds::clear_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(f.extent(0))),
      KOKKOS_LAMBDA(int i) { f(i) = -Kokkos::Experimental::infinity<double>::value; });
  Kokkos::parallel_for(
      "otfleet::clouds::store_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const int at = index(i);
        f(at) = (static_cast<double>(potential(i)) + units.norm(at)) / units.scale;
      });
}

/// Are all sums at least 2^−drift, and as large as a shift that is no further off allows?
template <class ExecutionSpace, class Scalar>
bool sums_fit(const ExecutionSpace& space, const IterationSide<ExecutionSpace, Scalar>& side,
              double drift) {
  const Scalar least = static_cast<Scalar>(::exp2(-drift)),
               most = static_cast<Scalar>(::exp2(ShiftRange<Scalar>::drift));
  const auto sum = side.sum;
  int others = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::sums_fit", Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, int& found) {
        if (!(sum(i) >= least && sum(i) <= most)) ++found;
      },
      others);
  return all_max(side.points.communicator, others) == 0;
}

}  // namespace otfleet::kernels

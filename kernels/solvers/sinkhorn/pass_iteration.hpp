#pragma once
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "kernels/operators/in_passes/run_pass.hpp"
#include "kernels/operators/shifts.hpp"
#include "kernels/solvers/instance_control.hpp"

// Sinkhorn's iteration in passes over the pairs of one problem, float or double: for all pairs, and
// for the blocks of pairs that the multiscale solver keeps.

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

  KOKKOS_FUNCTION double norm(int i) const {
    double sum = 0;
    if (norm_scale > 0)
      for (int k = 0; k < points.dimension(); ++k) sum += points(i, k) * points(i, k);
    return sum * norm_scale;
  }
};

/// A row of f, less its largest entry on the support, or zeros.
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

/// Are all sums numbers that a shift nearby gives?
template <class ExecutionSpace, class Scalar>
bool sums_fit(const ExecutionSpace& space, const IterationSide<ExecutionSpace, Scalar>& side) {
  const Scalar least = static_cast<Scalar>(::exp2(-most_shift_drift)),
               most = static_cast<Scalar>(::exp2(most_shift_drift));
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

/// side.sum and side.shift from the other side's potentials.
template <class ExecutionSpace, class Scalar>
void sum_exponentials(const ExecutionSpace& space, const CostForm& cost,
                      IterationSide<ExecutionSpace, Scalar>& side,
                      const IterationSide<ExecutionSpace, Scalar>& other, double scale) {
  const auto run = [&](PassResult wanted, const Vector<Scalar, ExecutionSpace>& result) {
    run_pass(space, wanted, cost, side.points, other.points, other.potential, side.shift, result,
             scale);
  };
  if (!side.shift_fits) run(PassResult::largest, side.shift);
  run(PassResult::exponential, side.sum);
  if (side.shift_fits && side.shift_is_a_guess && !sums_fit(space, side)) {
    run(PassResult::largest, side.shift);
    run(PassResult::exponential, side.sum);
  }
  side.shift_is_a_guess = false;
}

/// How the plain update of a potential changed since the one before: its slope along the gradient
/// a − P1 of the semi-dual, and its mean over a.
struct PotentialChange {
  double slope = 0, mean = 0;
};
template <class ExecutionSpace, class Scalar>
PotentialChange measure_change(const ExecutionSpace& space,
                               const IterationSide<ExecutionSpace, Scalar>& side,
                               const Vector<Scalar, ExecutionSpace>& previous) {
  const auto log_weights = side.support.log_weight, weights = side.support.weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  double totals[3] = {};  // slope, change, mass
  Kokkos::parallel_reduce(
      "otfleet::clouds::measure_change",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, double& slope_part, double& change_part, double& mass_part) {
        const double logarithm =
            static_cast<double>(shift(i)) + ::log2(static_cast<double>(sum(i)));
        const double step = log_weights(i) - logarithm - static_cast<double>(previous(i));
        const double missing = weights(i) - ::exp2(static_cast<double>(potential(i)) + logarithm);
        slope_part += missing * step;
        change_part += weights(i) * step;
        mass_part += weights(i);
      },
      totals[0], totals[1], totals[2]);
  if (side.points.communicator) side.points.communicator->sum(totals);
  return {totals[0], totals[1] / totals[2]};
}

/// potential = update = log2(weight) − log2(sum), plus what the momentum adds to it; shift =
/// log2(sum).
/// `previous` takes the update, unless it is empty. Returns the largest change of the potential: a
/// later sum over it changes by no more (log-sum-exp does not increase sup-distances), nor does any
/// of its terms beyond what the sum was.
template <class ExecutionSpace, class Scalar>
double fit_potential(const ExecutionSpace& space, const IterationSide<ExecutionSpace, Scalar>& side,
                     const Vector<Scalar, ExecutionSpace>& previous = {},
                     const Momentum<double>& momentum = {}) {
  const double factor = momentum.factor, mean = momentum.mean;
  const auto weights = side.support.log_weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  const bool keeps_update = previous.extent(0) > 0;
  double change = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::fit_potential",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, double& most) {
        const double logarithm =
            static_cast<double>(shift(i)) + ::log2(static_cast<double>(sum(i)));
        const double update = weights(i) - logarithm;
        const double beyond =
            factor > 0
                ? Momentum<double>::beyond(factor, update - static_cast<double>(previous(i)), mean)
                : 0.0;
        const Scalar before = potential(i), after = static_cast<Scalar>(update + beyond);
        if (keeps_update) previous(i) = static_cast<Scalar>(update);
        potential(i) = after;
        shift(i) = static_cast<Scalar>(logarithm);
        const double moved = before > after ? static_cast<double>(before) - after
                                            : static_cast<double>(after) - before;
        if (!(moved <= most)) most = moved;
      },
      Kokkos::Max<double>(change));
  return all_max(side.points.communicator, change);
}

/// |P1 − a|_1, a share of the mass.
template <class ExecutionSpace, class Scalar>
double marginal_error(const ExecutionSpace& space,
                      const IterationSide<ExecutionSpace, Scalar>& side) {
  const auto weights = side.support.weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  double error = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::marginal_error",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, double& part) {
        const double exponent = static_cast<double>(potential(i)) + static_cast<double>(shift(i));
        const double missing = ::exp2(exponent) * static_cast<double>(sum(i)) - weights(i);
        part += missing < 0 ? -missing : missing;
      },
      error);
  return all_sum(side.points.communicator, error);
}

/// The updates of problems whose marginals are exact; `previous` [source.points.count] is for
/// momentum.
template <class ExecutionSpace, class Scalar>
struct ExactUpdates {
  using Side = IterationSide<ExecutionSpace, Scalar>;
  bool accelerates;
  Vector<Scalar, ExecutionSpace> previous;
  Momentum<double> momentum = {};

  /// Both return the largest change of the potential.
  double fit_target(const ExecutionSpace& space, const Side& target) {
    return fit_potential(space, target);
  }
  double fit_source(const ExecutionSpace& space, const Side& source) {
    if (!accelerates) return fit_potential(space, source);
    PotentialChange change;
    if (momentum.looks_back()) change = measure_change(space, source, previous);
    momentum.update(change.slope, change.mean);
    return fit_potential(space, source, previous, momentum);
  }
  double error(const ExecutionSpace& space, const Side& source) const {
    return marginal_error(space, source);
  }
};

struct Outcome {
  Status status = Status::ended;
  int iterations = 0;
  bool takes_zeros = false;  ///< instead of the start that was given
};

/// One problem; begin(from zeros?) puts a start into `source.potential`. Calls report(t, error)
/// after t iterations, and goes_on(t) before another one.
template <class ExecutionSpace, class Scalar, class Updates, class Begin, class Report,
          class GoesOn>
Outcome iterate(const ExecutionSpace& space, const CostForm& cost,
                IterationSide<ExecutionSpace, Scalar>& source,
                IterationSide<ExecutionSpace, Scalar>& target, Updates& updates,
                double doubtful_error, bool from_zeros, const StopRule& rule, double scale,
                const Begin& begin, const Report& report, const GoesOn& goes_on) {
  using Start = InstanceControl::Start;
  InstanceControl control;
  Outcome outcome;
  control.start = from_zeros ? Start::settled : Start::given;
  begin(from_zeros);
  while (true) {
    const int t = control.iteration;
    sum_exponentials(space, cost, target, source, scale);
    const double target_change = updates.fit_target(space, target);
    source.shift_fits = (t > 0 || source.shift_fits) && target_change <= most_shift_drift;
    sum_exponentials(space, cost, source, target, scale);
    const double error = updates.error(space, source);
    const auto step = control.step(rule, error, doubtful_error);
    if (step.next == InstanceControl::Next::other_start) {
      control.begin();
      begin(control.start == Start::zeros_instead);
      source.shift_fits = target.shift_fits = false;
      continue;
    }
    outcome.takes_zeros = outcome.takes_zeros || step.takes_zeros;
    outcome.iterations = t;
    outcome.status = step.why;
    report(t, error);
    if (step.next == InstanceControl::Next::stop) return outcome;
    if (!goes_on(t)) {
      outcome.status = rule.is_small_enough(error) ? Status::converged : Status::iteration_limit;
      return outcome;
    }
    const double source_change = updates.fit_source(space, source);
    target.shift_fits = source_change <= most_shift_drift;
    ++control.iteration;
  }
}

/// float holds no cost or coordinate sum beyond 1e38; a few digits less leave room for sums.
template <class Scalar, class ExecutionSpace>
void check_range(const CloudProblems<ExecutionSpace>& batch, double scale) {
  const double most = sizeof(Scalar) == sizeof(float) ? 1e36 : 1e300;
  for (std::size_t k = 0; k < batch.reach.size(); ++k) {
    const double reach = batch.reach[k], bound = batch.bound_of(static_cast<int>(k));
    if (bound < most && scale * bound < most && reach * reach < most) continue;
    const std::string name =
        batch.reach.size() > 1 ? "problem " + std::to_string(k) + ": " : std::string();
    throw std::invalid_argument(name +
                                "costs between the clouds are too large for this arithmetic");
  }
}

}  // namespace otfleet::kernels

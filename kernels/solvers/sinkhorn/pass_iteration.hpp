#pragma once
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/operators/in_passes/run_pass.hpp"
#include "kernels/operators/shifts.hpp"
#include "kernels/problems/reduce_values.hpp"
#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/sinkhorn/fused_iteration.hpp"

// Sinkhorn's iteration in passes over the pairs of one problem, float or double: for all pairs, and
// for the blocks of pairs that the multiscale solver keeps.

namespace otfleet::kernels {

/// side.sum and side.shift from the other side's potentials.
template <class ExecutionSpace, class Scalar>
void sum_exponentials(const ExecutionSpace& space, const CostForm& cost,
                      IterationSide<ExecutionSpace, Scalar>& side,
                      const IterationSide<ExecutionSpace, Scalar>& other, double scale) {
  const auto run = [&](PassResult wanted, const Vector<Scalar, ExecutionSpace>& result) {
    CloudCommunicator* const communicator = side.points.summed_by;
    auto columns = other.points;
    if (communicator) columns.communicator = nullptr;
    run_pass(space, wanted, cost, side.points, columns, other.potential, side.shift, result, scale);
    reduce_values(space, communicator,
                  wanted == PassResult::largest ? Reduced::largest : Reduced::sum, result);
  };
  if (!side.shift_fits) run(PassResult::largest, side.shift);
  run(PassResult::exponential, side.sum);
  if (side.shift_fits && side.shift_is_a_guess &&
      !sums_fit(space, side, ShiftRange<Scalar>::drift)) {
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

/// One problem; begin(from zeros?) puts a start into `source.potential`, and may guess
/// `target.shift`. Calls report(t, error)
/// after t iterations, and goes_on(t) before another one. `terms`: see run_two_sided_pass().
template <class ExecutionSpace, class Scalar, class Updates, class Begin, class Report,
          class GoesOn>
Outcome iterate(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena,
                const CostForm& cost, IterationSide<ExecutionSpace, Scalar>& source,
                IterationSide<ExecutionSpace, Scalar>& target, Updates& updates,
                double doubtful_error, bool from_zeros, const StopRule& rule, double scale,
                const Begin& begin, const Report& report, const GoesOn& goes_on,
                PairTerms<ExecutionSpace, Scalar>* terms = nullptr) {
  using Start = InstanceControl::Start;
  InstanceControl control;
  Outcome outcome;
  FusedIteration<ExecutionSpace, Scalar> fused(space, arena, source, target, updates.accelerates,
                                               terms);
  control.start = from_zeros ? Start::settled : Start::given;
  begin(from_zeros);
  bool has_target_sums = false;
  while (true) {
    const int t = control.iteration;
    if (!has_target_sums && !fused.sum_columns(cost, source, target, scale))
      sum_exponentials(space, cost, target, source, scale);
    const double target_change = updates.fit_target(space, target);
    source.shift_fits = (t > 0 || source.shift_fits) && target_change <= ShiftRange<Scalar>::drift;
    if (t == 0 && !source.shift_fits) guess_shift(space, source);
    const bool fuses = fused.run(cost, source, target, scale, updates, target_change);
    if (!fuses) sum_exponentials(space, cost, source, target, scale);
    const double error = fuses ? fused.error() : updates.error(space, source);
    const auto step = control.step(rule, error, doubtful_error);
    if (step.next == InstanceControl::Next::other_start) {
      control.begin();
      source.shift_fits = target.shift_fits = has_target_sums = false;
      begin(control.start == Start::zeros_instead);
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
    const double fused_change = fuses ? fused.take(source, target, updates) : -1.0;
    const double source_change =
        fused_change >= 0 ? fused_change : updates.fit_source(space, source);
    target.shift_fits = source_change <= ShiftRange<Scalar>::drift;
    has_target_sums = fused_change >= 0 && source_change <= ShiftRange<Scalar>::two_sided_drift;
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

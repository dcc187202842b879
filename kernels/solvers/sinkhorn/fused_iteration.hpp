#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/lanes/pack.hpp"
#include "kernels/operators/in_passes/run_two_sided_pass.hpp"
#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/sinkhorn/pass_sides.hpp"

// An iteration of Sinkhorn in one two-sided pass: while the exponentials of some rows are in a
// cache, their sums give the new potentials of these rows, and these what the rows add to the
// columns' sums. Every pair costs one exponential instead of two.

namespace otfleet::kernels {

/// The smallest logarithm of a weight, to base 2, over both sides.
template <class ExecutionSpace, class Scalar>
double least_log_weight(const ExecutionSpace& space,
                        const IterationSide<ExecutionSpace, Scalar>& side) {
  const auto logarithm = side.support.log_weight;
  double least = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::least_log_weight",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count),
      KOKKOS_LAMBDA(int i, double& found) {
        if (logarithm(i) < found) found = logarithm(i);
      },
      Kokkos::Min<double>(least));
  return std::min(least, 0.0);
}

/// The momentum is not known before all sums are: a pass takes the one that follows if the last
/// change went along the gradient, as nearly all do. Where it did not, take() says so, and the
/// columns' sums are worth nothing.
template <class ExecutionSpace, class Scalar>
class FusedIteration {
 public:
  using Side = IterationSide<ExecutionSpace, Scalar>;
  static constexpr bool available = Backend<ExecutionSpace>::takes_two_sided_passes;

  FusedIteration(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena, const Side& source,
                 const Side& target, bool accelerates)
      : space_(space) {
    if constexpr (available) {
      // Every product of a factor and a term must be a normal number: they are shares of the mass
      // of a column, of which potentials may move most_shift_drift away.
      constexpr double most_bits = sizeof(Scalar) == sizeof(float) ? 50 : 800;
      const double least =
          std::min(least_log_weight(space, source), least_log_weight(space, target));
      fits_ = !source.points.kept && !source.points.communicator && source.points.count > 0 &&
              target.points.count > 0 && least > -most_bits;
      if (!fits_) return;
      workspace_ = TwoSidedWorkspace<ExecutionSpace, Scalar>(space, arena, target.points);
      next_ = arena.template take<Scalar>(source.points.count);
      if (accelerates) next_update_ = arena.template take<Scalar>(source.points.count);
      column_sums_ = arena.template take<double>(target.points.count);
      totals_.resize(static_cast<std::size_t>(workspace_.threads));
      boost_ = std::log2(static_cast<double>(source.points.count));
    }
  }

  /// May an iteration with this source be run()? Its shift must be near the sums to come.
  bool applies(const Side& source) const {
    return available && fits_ && source.shift_fits && !source.shift_is_a_guess;
  }

  /// source.sum, the error, and what take() needs. `previous`: the last plain update, used where
  /// the expected momentum has a factor.
  void run(const CostForm& cost, const Side& source, const Side& target, double scale,
           const Vector<Scalar, ExecutionSpace>& previous, const Momentum<double>& before,
           bool accelerates) {
    if constexpr (available) {
      before_ = before;
      expected_ = before;
      if (accelerates) expected_.update(0, before.mean);
      looks_back_ = accelerates && before.looks_back();
      std::fill(totals_.begin(), totals_.end(), Totals());
      const RowFactors<Scalar> factors_of = [&](int thread, int first, int count,
                                                const Scalar* sums, Scalar* factors) {
        update_rows(source, previous, first, count, sums, factors,
                    totals_[static_cast<std::size_t>(thread)]);
      };
      run_two_sided_pass(space_, cost, source.points, target.points, target.potential, source.shift,
                         scale, workspace_, factors_of, column_sums_);
      space_.fence();
      for (std::size_t t = 1; t < totals_.size(); ++t) totals_[0].add(totals_[t]);
    }
  }

  /// |P1 − a|_1 of the potentials before the update, a share of the mass.
  double error() const { return totals_[0].error; }

  /// Moves source.potential, target.sum and target.shift on; `momentum` becomes that of the update.
  /// Returns the largest change of the source's potential; or nothing changes, and less than 0
  /// comes back: the momentum was another one than expected.
  double take(const Side& source, const Side& target,
              const Vector<Scalar, ExecutionSpace>& previous, Momentum<double>& momentum) const {
    const Totals& found = totals_[0];
    Momentum<double> after = before_;
    const double mean = looks_back_ ? found.change / found.mass : 0.0;
    if (next_update_.extent(0) > 0) after.update(looks_back_ ? found.slope : 0.0, mean);
    if (after.factor != expected_.factor) return -1;
    // The mean of the last change was not known either: it shifts all potentials alike.
    const double late = after.factor * (after.mean - expected_.mean);
    momentum = after;
    const auto potential = source.potential, next = next_, next_update = next_update_,
               before = previous;
    const bool keeps_update = next_update_.extent(0) > 0;
    Kokkos::parallel_for(
        "otfleet::clouds::take_rows",
        Kokkos::RangePolicy<ExecutionSpace>(space_, 0, source.points.count), KOKKOS_LAMBDA(int i) {
          potential(i) = static_cast<Scalar>(static_cast<double>(next(i)) - late);
          if (keeps_update) before(i) = next_update(i);
        });
    const auto shift = target.shift, sum = target.sum, fitted = target.potential;
    const auto column_sums = column_sums_;
    const double unit = std::exp2(-boost_ - late);
    Kokkos::parallel_for(
        "otfleet::clouds::take_columns",
        Kokkos::RangePolicy<ExecutionSpace>(space_, 0, target.points.count), KOKKOS_LAMBDA(int j) {
          shift(j) = -fitted(j);
          sum(j) = static_cast<Scalar>(column_sums(j) * unit);
        });
    return found.moved + std::abs(late);
  }

 private:
  /// Of the rows of a thread.
  struct Totals {
    double error = 0, slope = 0, change = 0, mass = 0, moved = 0;
    double other_cache_line[3] = {};

    void add(const Totals& other) {
      error += other.error;
      slope += other.slope;
      change += other.change;
      mass += other.mass;
      // Written so that what is not a number stays.
      if (!(other.moved <= moved)) moved = other.moved;
    }
  };

  void update_rows(const Side& source, const Vector<Scalar, ExecutionSpace>& previous, int first,
                   int count, const Scalar* sums, Scalar* factors, Totals& totals) const {
    using Pack = HostPack<double>;
    constexpr int width = Pack::width;
    for (int begin = 0; begin < count; begin += width) {
      const int own = std::min(width, count - begin);
      double shift[width] = {}, sum[width], potential[width] = {}, last[width] = {},
             weight[width] = {}, log_weight[width] = {};
      for (int e = 0; e < width; ++e) sum[e] = 1;
      for (int e = 0; e < own; ++e) {
        const int i = first + begin + e;
        source.sum(i) = sums[begin + e];
        shift[e] = static_cast<double>(source.shift(i));
        sum[e] = static_cast<double>(sums[begin + e]);
        potential[e] = static_cast<double>(source.potential(i));
        if (looks_back_) last[e] = static_cast<double>(previous(i));
        weight[e] = source.support.weight(i);
        log_weight[e] = source.support.log_weight(i);
      }
      const Pack sums_here = Pack::load(sum);
      // What is not finite stays so: log2_normal() would make a number of it.
      const Pack logarithm = Pack::load(shift) + log2_normal(sums_here) + (sums_here - sums_here);
      const Pack update = Pack::load(log_weight) - logarithm, weights = Pack::load(weight);
      const Pack mass = exp2_bounded(min(Pack(1000.0), Pack::load(potential) + logarithm));
      const Pack missing = weights - mass, change = update - Pack::load(last);
      Pack next = update;
      if (expected_.factor > 0)
        next =
            next + Momentum<double>::beyond(Pack(expected_.factor), change, Pack(expected_.mean));
      const Pack factor = exp2_bounded(min(Pack(1000.0), next + Pack::load(shift) + Pack(boost_)));
      const Pack moved = abs(next - Pack::load(potential));
      double missing_[width], change_[width], next_[width], update_[width], factor_[width],
          moved_[width];
      missing.store(missing_);
      change.store(change_);
      next.store(next_);
      update.store(update_);
      factor.store(factor_);
      moved.store(moved_);
      for (int e = 0; e < own; ++e) {
        const int i = first + begin + e;
        totals.error += std::abs(missing_[e]);
        totals.slope += missing_[e] * change_[e];
        totals.change += weight[e] * change_[e];
        totals.mass += weight[e];
        if (!(moved_[e] <= totals.moved)) totals.moved = moved_[e];
        this->next_(i) = static_cast<Scalar>(next_[e]);
        if (next_update_.extent(0) > 0) next_update_(i) = static_cast<Scalar>(update_[e]);
        factors[begin + e] = static_cast<Scalar>(factor_[e]);
      }
    }
  }

  ExecutionSpace space_;
  bool fits_ = false, looks_back_ = false;
  TwoSidedWorkspace<ExecutionSpace, Scalar> workspace_;
  Vector<Scalar, ExecutionSpace> next_, next_update_;
  Vector<double, ExecutionSpace> column_sums_;
  std::vector<Totals> totals_ = {Totals()};
  double boost_ = 0;  ///< factors are in units of 2^−boost
  Momentum<double> before_, expected_;
};

}  // namespace otfleet::kernels

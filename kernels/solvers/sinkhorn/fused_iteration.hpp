#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "kernels/lanes/pack.hpp"
#include "kernels/operators/in_passes/run_two_sided_pass.hpp"
#include "kernels/problems/reduce_values.hpp"
#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/sinkhorn/pass_sides.hpp"

// An iteration of Sinkhorn in one two-sided pass: while the exponentials of some rows are in a
// cache, their sums give the new potentials of these rows, and these what the rows add to the
// columns' sums. Every pair costs one exponential instead of two.

namespace otfleet::kernels {

/// The smallest logarithm of a weight of one side, to base 2; of the points that are here.
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
  using Terms = PairTerms<ExecutionSpace, Scalar>;
  static constexpr bool available = Backend<ExecutionSpace>::takes_two_sided_passes;

  FusedIteration(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena, const Side& source,
                 const Side& target, bool accelerates, Terms* terms)
      : space_(space), terms_(terms), accelerates_(accelerates) {
    if constexpr (available) {
      communicator_ = source.points.communicator;
      if (source.points.kept || communicator_ != target.points.summed_by) return;
      const double least =
          std::min(least_log_weight(space, source), least_log_weight(space, target));
      const double points = all_sum(communicator_, source.points.count);
      fits_ = points > 0 && target.points.count > 0 &&
              -all_max(communicator_, -least) > -ShiftRange<Scalar>::two_sided_weight;
      if (!fits_) return;
      workspace_ = TwoSidedWorkspace<ExecutionSpace, Scalar>(space, arena, target.points);
      next_ = arena.template take<Scalar>(source.points.padded());
      if (accelerates) next_update_ = arena.template take<Scalar>(source.points.count);
      column_sums_ = arena.template take<double>(target.points.count);
      column_offset_ = arena.take_filled(space, target.points.padded(),
                                         -std::numeric_limits<Scalar>::infinity());
      totals_.resize(static_cast<std::size_t>(workspace_.threads));
      boost_ = std::log2(points);
      // A rank without sources keeps nothing, but takes part.
      const bool reads = source.points.costs.values.extent(0) > 0 || (terms && *terms);
      reads_terms_ = all_max(communicator_, reads ? 1.0 : 0.0) > 0;
    }
  }

  /// target.sum, where its shift may be used and terms of pairs are read; else false comes back. A
  /// shift that was a guess has then proved good.
  bool sum_columns(const CostForm& cost, const Side& source, Side& target, double scale) {
    if constexpr (available) {
      if (!fits_ || !target.shift_fits || !reads_terms_) return false;
      const auto offset = column_offset_, shift = target.shift;
      const auto row_shift = next_, potential = source.potential;
      Kokkos::parallel_for(
          "otfleet::clouds::column_offsets",
          Kokkos::RangePolicy<ExecutionSpace>(space_, 0, target.points.count),
          KOKKOS_LAMBDA(int j) { offset(j) = -shift(j); });
      Kokkos::parallel_for(
          "otfleet::clouds::row_shifts",
          Kokkos::RangePolicy<ExecutionSpace>(space_, 0, source.points.count),
          KOKKOS_LAMBDA(int i) { row_shift(i) = -potential(i); });
      const RowFactors<Scalar> ones = [](int, int, int count, const Scalar*, Scalar* factors) {
        std::fill(factors, factors + count, Scalar(1));
      };
      run_two_sided_pass(space_, cost, source.points, target.points, offset, row_shift, scale,
                         workspace_, ones, column_sums_, terms_);
      reduce_values(space_, communicator_, Reduced::sum, column_sums_);
      const auto sum = target.sum;
      const auto column_sums = column_sums_;
      Kokkos::parallel_for(
          "otfleet::clouds::column_sums",
          Kokkos::RangePolicy<ExecutionSpace>(space_, 0, target.points.count),
          KOKKOS_LAMBDA(int j) { sum(j) = static_cast<Scalar>(column_sums(j)); });
      if (target.shift_is_a_guess &&
          !sums_fit(space_, target, ShiftRange<Scalar>::two_sided_drift)) {
        target.shift_fits = false;
        return false;
      }
      target.shift_is_a_guess = false;
      return true;
    } else {
      return false;
    }
  }

  /// source.sum, the error, and what take() needs; or false: sums may be too far from the source's
  /// shift. A shift that was a guess has proved good. `target_change`: by how much the target's
  /// potential has moved since it was near.
  template <class Updates>
  bool run(const CostForm& cost, Side& source, const Side& target, double scale,
           const Updates& updates, double target_change) {
    if constexpr (available) {
      const bool guesses = source.shift_is_a_guess;
      if (!fits_ || !source.shift_fits ||
          (!guesses && !(target_change <= ShiftRange<Scalar>::two_sided_drift)))
        return false;
      before_ = expected_ = updates.momentum;
      if (accelerates_) expected_.update(0, before_.mean);
      looks_back_ = accelerates_ && before_.looks_back();
      std::fill(totals_.begin(), totals_.end(), Totals());
      const RowFactors<Scalar> factors_of = [&](int thread, int first, int count,
                                                const Scalar* sums, Scalar* factors) {
        update_rows(source, updates.previous, first, count, sums, factors,
                    totals_[static_cast<std::size_t>(thread)]);
      };
      run_two_sided_pass(space_, cost, source.points, target.points, target.potential, source.shift,
                         scale, workspace_, factors_of, column_sums_, terms_);
      space_.fence();
      reduce_values(space_, communicator_, Reduced::sum, column_sums_);
      for (std::size_t t = 1; t < totals_.size(); ++t) totals_[0].add(totals_[t]);
      totals_[0].add_ranks(communicator_);
      if (guesses && !sums_fit(space_, source, ShiftRange<Scalar>::two_sided_drift)) {
        source.shift_fits = false;
        return false;
      }
      source.shift_is_a_guess = false;
      return true;
    } else {
      return false;
    }
  }

  /// |P1 − a|_1 of the potentials before the update, a share of the mass.
  double error() const { return totals_[0].error; }

  /// Moves source.potential, source.shift, target.sum and target.shift on; updates.momentum becomes
  /// that of the update. Returns the largest change of the source's potential; or nothing changes,
  /// and less than 0 comes back: the momentum was another one than expected.
  template <class Updates>
  double take(const Side& source, const Side& target, Updates& updates) const {
    const Totals& found = totals_[0];
    Momentum<double> after = before_;
    const double mean = looks_back_ ? found.change / found.mass : 0.0;
    if (accelerates_) after.update(looks_back_ ? found.slope : 0.0, mean);
    if (after.factor != expected_.factor) return -1;
    // The mean of the last change was not known either: it shifts all potentials alike.
    const double late = after.factor * (after.mean - expected_.mean);
    updates.momentum = after;
    const auto potential = source.potential, next = next_, next_update = next_update_,
               before = updates.previous, row_shift = source.shift, row_sum = source.sum;
    const bool keeps_update = accelerates_;
    Kokkos::parallel_for(
        "otfleet::clouds::take_rows",
        Kokkos::RangePolicy<ExecutionSpace>(space_, 0, source.points.count), KOKKOS_LAMBDA(int i) {
          potential(i) = static_cast<Scalar>(static_cast<double>(next(i)) - late);
          row_shift(i) += static_cast<Scalar>(::log2(row_sum(i)));
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
    void add_ranks(CloudCommunicator* communicator) {
      if (!communicator) return;
      double sums[] = {error, slope, change, mass};
      communicator->sum(sums);
      std::tie(error, slope, change, mass) = std::tie(sums[0], sums[1], sums[2], sums[3]);
      moved = all_max(communicator, moved);
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
      const auto lanes = [](const Pack& pack) {
        std::array<double, width> numbers;
        pack.store(numbers.data());
        return numbers;
      };
      const auto lacking = lanes(missing), steps = lanes(change), potentials = lanes(next),
                 updates = lanes(update), products = lanes(factor), moves = lanes(moved);
      for (int e = 0; e < own; ++e) {
        const int i = first + begin + e;
        const auto lane = static_cast<std::size_t>(e);
        totals.error += std::abs(lacking[lane]);
        totals.slope += lacking[lane] * steps[lane];
        totals.change += weight[e] * steps[lane];
        totals.mass += weight[e];
        if (!(moves[lane] <= totals.moved)) totals.moved = moves[lane];
        next_(i) = static_cast<Scalar>(potentials[lane]);
        if (accelerates_) next_update_(i) = static_cast<Scalar>(updates[lane]);
        factors[begin + e] = static_cast<Scalar>(products[lane]);
      }
    }
  }

  ExecutionSpace space_;
  CloudCommunicator* communicator_ = nullptr;  ///< who hold the other sources
  Terms* terms_;
  bool accelerates_, fits_ = false, reads_terms_ = false, looks_back_ = false;
  TwoSidedWorkspace<ExecutionSpace, Scalar> workspace_;
  Vector<Scalar, ExecutionSpace> next_, next_update_, column_offset_;
  Vector<double, ExecutionSpace> column_sums_;
  std::vector<Totals> totals_ = {Totals()};
  double boost_ = 0;  ///< factors are in units of 2^−boost
  Momentum<double> before_, expected_;
};

}  // namespace otfleet::kernels

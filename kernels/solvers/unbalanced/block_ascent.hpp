#pragma once
#include <utility>
#include <vector>

#include "kernels/solvers/instance_control.hpp"
#include "kernels/solvers/sinkhorn/marginals.hpp"
#include "kernels/solvers/unbalanced/problem_numbers.hpp"

// Block ascent on the dual of unbalanced problems, on any operator: which updates there are. All
// work on logarithms (problem_numbers.hpp); a problem that has stopped keeps what it has.

namespace otfleet::kernels {

/// Further columns of an operator's totals.
namespace ascent {
enum Number {
  error = unbalanced::numbers,
  first_sum,  ///< log of what the marginals ask for together
  last_sum = first_sum + 2,
  search = last_sum + 2,  ///< see BoundedUpdates
  numbers = search + 7
};
}  // namespace ascent

/// The two sides in the order of their updates; errors are those of the last one.
struct UpdateOrder {
  Side first, last;
};

/// What a team of updates works on; arrays by Side.
template <class Points>
struct AscentFields {
  typename Points::Field exponents[2], log_sums[2], log_weights[2], potentials[2], asked;

  const auto& exponent(Side side) const { return exponents[static_cast<int>(side)]; }
  const auto& log_sum(Side side) const { return log_sums[static_cast<int>(side)]; }
  const auto& log_weight(Side side) const { return log_weights[static_cast<int>(side)]; }
  /// In units of the cost, where they are to be stored.
  const auto& potential(Side side) const { return potentials[static_cast<int>(side)]; }
};

/// totals(which) = log sum_i exp(exponent(i)), in two columns from `which` on.
template <class Points, class Exponent>
void log_sum_points(Points& points, Side side, int which, const Exponent& exponent) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.largest("otfleet::unbalanced::largest", side, which, exponent, no_exponent);
  const auto largest = points.total(which);
  points.template sum<1>(
      "otfleet::unbalanced::log_sum", side, which + 1,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[1]) {
        sum[0] = sum[0] + exp(exponent(at) - largest.load(at));
      });
  points.for_problems(
      "otfleet::unbalanced::add_logarithm",
      KOKKOS_LAMBDA(double* totals) { totals[which] += ::log(totals[which + 1]); });
}

/// Marginals that are penalized: shapes alone, the best constants come in the end (see
/// PenalizedMarginals). A marginal may be exact, but the last one only together with the first.
template <class Points>
struct PenalizedUpdates {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  static constexpr bool absolute = false;  ///< exponents are up to a constant

  UpdateOrder order;
  double tau[2], epsilon;

  double tau_of(Side side) const { return tau[static_cast<int>(side)]; }

  /// What a start asks of the last marginal.
  void begin(Points& points, const AscentFields<Points>& fields, bool from_zeros) const {
    const double t = tau_of(order.last), slope = from_zeros ? 0.0 : (1 - t) / t;
    const auto weight = fields.log_weight(order.last), exponent = fields.exponent(order.last);
    const auto asked = fields.asked;
    points.for_points(
        "otfleet::unbalanced::begin", order.last, KOKKOS_LAMBDA(const Place& at) {
          const Pack w = weight.load(at), limit(0.5 * no_exponent);
          asked.store(at, if_greater(w, limit, w - Pack(slope) * (exponent.load(at) - w), w));
        });
    sum_asked(points, order.last, ascent::last_sum, asked);
  }
  void fit(Points& points, const AscentFields<Points>& fields, Side side) const {
    const auto active = points.total(unbalanced::active);
    const Pack power(tau_of(side)), rest(1 - tau_of(side));
    const auto weight = fields.log_weight(side), exponent = fields.exponent(side);
    const auto log_sum = fields.log_sum(side), asked = fields.asked;
    const bool keeps = side == order.last;
    points.for_points(
        "otfleet::unbalanced::fit_penalized", side, KOKKOS_LAMBDA(const Place& at) {
          const Pack none(0.0), w = weight.load(at), s = log_sum.load(at), on = active.load(at);
          exponent.store(at, if_greater(on, none, w - power * s, exponent.load(at)));
          if (keeps) asked.store(at, if_greater(on, none, w + rest * s, asked.load(at)));
        });
    if (keeps) return sum_asked(points, side, ascent::last_sum, asked);
    log_sum_points(
        points, side, ascent::first_sum,
        KOKKOS_LAMBDA(const Place& at) { return weight.load(at) + rest * log_sum.load(at); });
  }
  /// What the last marginal lacks of the one it asks for, both as shares of their sums.
  void find_error(Points& points, const AscentFields<Points>& fields) const {
    const auto exponent = fields.exponent(order.last), log_sum = fields.log_sum(order.last);
    const auto weight = fields.log_weight(order.last), asked = fields.asked;
    const auto whole = points.total(ascent::first_sum), all = points.total(ascent::last_sum);
    points.template sum<1>(
        "otfleet::unbalanced::penalized_error", order.last, ascent::error,
        KOKKOS_LAMBDA(const Place& at, Pack(&sum)[1]) {
          const Pack none(0.0), limit(0.5 * no_exponent);
          const Pack lack = exp(exponent.load(at) + log_sum.load(at) - whole.load(at)) -
                            exp(asked.load(at) - all.load(at));
          sum[0] = sum[0] + if_greater(weight.load(at), limit, abs(lack), none);
        });
  }
  /// Adds the constants.
  void finish(Points& points, const AscentFields<Points>& fields, bool equal_masses) const {
    const PenalizedMarginals<typename Points::ExecutionSpace> marginals{
        tau_of(order.last), tau_of(order.first), 0.0, equal_masses, {}};
    const int last = log_mass_of(order.last), first = log_mass_of(order.first);
    points.for_problems(
        "otfleet::unbalanced::find_constants", KOKKOS_LAMBDA(double* totals) {
          const auto constants =
              marginals.constants(totals[last], totals[first], totals[unbalanced::low],
                                  totals[ascent::last_sum], totals[ascent::first_sum], 0.0);
          totals[ascent::last_sum] = constants.source;
          totals[ascent::first_sum] = constants.target;
        });
    add(points, fields.exponent(order.last), order.last, ascent::last_sum);
    add(points, fields.exponent(order.first), order.first, ascent::first_sum);
  }

  // Parts of these; public, since nvcc wants functions with kernels so.

  template <class Field>
  static void sum_asked(Points& points, Side side, int which, const Field& asked) {
    log_sum_points(
        points, side, which, KOKKOS_LAMBDA(const Place& at) { return asked.load(at); });
  }
  template <class Field>
  static void add(Points& points, const Field& field, Side side, int which) {
    const auto constant = points.total(which);
    points.for_points(
        "otfleet::unbalanced::add_constant", side,
        KOKKOS_LAMBDA(const Place& at) { field.store(at, field.load(at) + constant.load(at)); });
  }
};

/// exponents of weights in units of mass: log weight + log mass of the side.
template <class Points>
void load_absolute_weights(Points& points, const AscentFields<Points>& fields) {
  using Place = typename Points::Place;
  for (const Side side : {Side::source, Side::target}) {
    const auto mass = points.total(log_mass_of(side));
    const auto weight = fields.log_weight(side);
    points.for_points(
        "otfleet::unbalanced::absolute_weights", side,
        KOKKOS_LAMBDA(const Place& at) { weight.store(at, weight.load(at) + mass.load(at)); });
  }
}

/// Weights that are upper bounds, with a share of the smaller mass to transport (Benamou et al.
/// 2015): f = min(soft minimum − lambda, 0) relative to the weights.
template <class Points>
struct BoundedUpdates {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  static constexpr bool absolute = true;

  UpdateOrder order;
  double epsilon;

  /// Columns from ascent::search on.
  enum Search {
    open_largest = ascent::search,  ///< the largest log sum of a point that is not at its bound
    bound_count,
    bound_mass,
    open_mass,
    open_sum,   ///< of weights times sums, in units of exp(open_largest)
    searching,  ///< 1: lambda is not known
    last_count
  };

  void begin(Points&, const AscentFields<Points>&, bool) const {}
  void finish(Points&, const AscentFields<Points>&, bool) const {}

  void fit(Points& points, const AscentFields<Points>& fields, Side side) const {
    find_lambda(points, fields, side);
    const auto active = points.total(unbalanced::active), lambda = points.total(unbalanced::lambda);
    const auto weight = fields.log_weight(side), exponent = fields.exponent(side);
    const auto log_sum = fields.log_sum(side);
    points.for_points(
        "otfleet::unbalanced::fit_bounded", side, KOKKOS_LAMBDA(const Place& at) {
          const Pack none(0.0);
          const Pack fit = weight.load(at) + min(none - log_sum.load(at) - lambda.load(at), none);
          exponent.store(at, if_greater(active.load(at), none, fit, exponent.load(at)));
        });
  }

  /// The lambda with sum_i a_i min(1, exp(lambda + log_sum_i)) = the mass asked for. In
  /// exp(lambda) that is Newton's method from below on a concave, piecewise linear function: the
  /// bounds that bind only become more, and when none is new, lambda is exact.
  void find_lambda(Points& points, const AscentFields<Points>& fields, Side side) const {
    const auto weight = fields.log_weight(side), log_sum = fields.log_sum(side);
    const int mass = log_mass_of(side);
    points.for_problems(
        "otfleet::unbalanced::begin_search", KOKKOS_LAMBDA(double* totals) {
          totals[searching] = totals[unbalanced::active];
          totals[last_count] = -1;
          if (totals[searching] > 0) totals[unbalanced::lambda] = no_exponent;
        });
    bool any = true;
    while (any) {
      const auto lambda = points.total(unbalanced::lambda);
      points.largest(
          "otfleet::unbalanced::largest_open", side, open_largest,
          KOKKOS_LAMBDA(const Place& at) {
            const Pack nothing(no_exponent), limit(0.5 * no_exponent), s = log_sum.load(at);
            return if_greater(weight.load(at), limit,
                              if_greater(Pack(0.0) - lambda.load(at), s, s, nothing), nothing);
          },
          no_exponent);
      const auto largest = points.total(open_largest);
      points.template sum<4>(
          "otfleet::unbalanced::sum_open", side, bound_count,
          KOKKOS_LAMBDA(const Place& at, Pack(&sum)[4]) {
            const Pack none(0.0), one(1.0), limit(0.5 * no_exponent), s = log_sum.load(at);
            const Pack real = if_greater(weight.load(at), limit, one, none);
            const Pack open = if_greater(none - lambda.load(at), s, real, none);
            const Pack share = exp(if_greater(real, none, weight.load(at), limit));
            sum[0] = sum[0] + (real - open);
            sum[1] = sum[1] + (real - open) * share;
            sum[2] = sum[2] + open * share;
            sum[3] = sum[3] + if_greater(open, none, share * exp(s - largest.load(at)), none);
          });
      points.for_problems(
          "otfleet::unbalanced::step_search", KOKKOS_LAMBDA(double* totals) {
            if (!(totals[searching] > 0)) return;
            const double asked = ::exp(totals[unbalanced::asked]), all = ::exp(totals[mass]);
            // What the others are to carry, as the difference that loses fewer digits.
            const double carried = totals[bound_mass] < all / 2 ? asked - totals[bound_mass]
                                                                : totals[open_mass] - (all - asked);
            totals[searching] = totals[bound_count] > totals[last_count] && carried > 0 ? 1 : 0;
            if (!(totals[searching] > 0)) return;
            totals[last_count] = totals[bound_count];
            totals[unbalanced::lambda] =
                ::log(carried) - ::log(totals[open_sum]) - totals[open_largest];
          });
      any = false;
      for (const double searches : points.total_on_host(searching)) any |= searches > 0;
    }
  }

  /// What the last marginal lacks of min(weight, what it would become if its potential alone were
  /// optimal), as a share of the larger sum.
  void find_error(Points& points, const AscentFields<Points>& fields) const {
    find_violation(points, fields, order.last, MarginalPenalty{1, epsilon, true}, 1, true);
  }
};

/// totals(ascent::error) = factor times the violation of one side's optimality, a share of the
/// mass; `bounded`: with lambda, else costs without their minimum.
template <class Points>
void find_violation(Points& points, const AscentFields<Points>& fields, Side side,
                    const MarginalPenalty& penalty, double factor, bool bounded) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  const auto exponent = fields.exponent(side), log_sum = fields.log_sum(side);
  const auto weight = fields.log_weight(side);
  const auto lambda = points.total(unbalanced::lambda), low = points.total(unbalanced::low);
  points.template sum<3>(
      "otfleet::unbalanced::violation", side, ascent::search,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[3]) {
        PackNumbers<Pack> violation(Pack(0.0)), mass(Pack(0.0)), wanted(Pack(0.0));
        const PackNumbers<Pack> f(exponent.load(at)), s(log_sum.load(at)), w(weight.load(at)),
            constant(bounded ? Pack(lambda.load(at)) : Pack(0.0) - low.load(at));
        for (int lane = 0; lane < PackNumbers<Pack>::count; ++lane) {
          if (w.at[lane] < 0.5 * no_exponent) continue;
          const double r = ::exp(f.at[lane] + s.at[lane] + constant.at[lane]);
          const double asks =
              penalty.wanted(penalty.epsilon * (f.at[lane] - w.at[lane]), ::exp(w.at[lane]), r);
          violation.at[lane] = ::fabs(r - asks);
          mass.at[lane] = r;
          wanted.at[lane] = asks;
        }
        sum[0] = sum[0] + violation.pack();
        sum[1] = sum[1] + mass.pack();
        sum[2] = sum[2] + wanted.pack();
      });
  points.for_problems(
      "otfleet::unbalanced::violation_share", KOKKOS_LAMBDA(double* totals) {
        const double* const found = totals + ascent::search;
        const double whole = found[1] > found[2] ? found[1] : found[2];
        totals[ascent::error] = factor * (whole > 0 ? found[0] / whole : found[0]);
      });
}

/// For problems whose two sides are the same measure: one potential, updated by halves (Feydy et
/// al. 2019, section 3.1).
template <class Points>
struct SymmetricUpdates {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  static constexpr bool absolute = true;

  MarginalPenalty penalty;

  void fit(Points& points, const AscentFields<Points>& fields) const {
    const auto active = points.total(unbalanced::active), low = points.total(unbalanced::low);
    const auto weight = fields.log_weight(Side::source), exponent = fields.exponent(Side::source);
    const auto log_sum = fields.log_sum(Side::source);
    const Pack power(penalty.tau), half(0.5);
    points.for_points(
        "otfleet::unbalanced::fit_by_halves", Side::source, KOKKOS_LAMBDA(const Place& at) {
          const Pack none(0.0), before = exponent.load(at);
          const Pack fit = weight.load(at) - power * (log_sum.load(at) - low.load(at));
          exponent.store(at, if_greater(active.load(at), none, half * (before + fit), before));
        });
  }
  void find_error(Points& points, const AscentFields<Points>& fields) const {
    find_violation(points, fields, Side::source, penalty, 2, false);
  }
};

}  // namespace otfleet::kernels

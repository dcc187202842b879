#pragma once
#include <cmath>
#include <utility>

#include "kernels/problems/status.hpp"
#include "kernels/solvers/unbalanced/problem_numbers.hpp"

// The certificate of unbalanced problems and the derivatives of their values, on any operator.

namespace otfleet::kernels {

/// Further columns of an operator's totals: sums over one side, those of the target behind those of
/// the source.
namespace figures {
enum Number {
  dual = unbalanced::numbers,  ///< of weight · dual_term
  gap,                         ///< its part of primal − dual
  mass,                        ///< of the marginal
  wanted,                      ///< of what the potentials ask for
  violation,                   ///< of |marginal − wanted|
  cost,                        ///< of the marginal times the mean cost of its points
  side_numbers = cost + 1 - dual,
  numbers = dual + 2 * side_numbers
};
}  // namespace figures

/// One side of a plan: logarithms of potentials and of the sums of the other side's, each up to a
/// constant that is known for every problem.
template <class Points>
struct PlanMarginal {
  Side side;
  typename Points::WeightField weights;
  typename Points::Field exponents, log_sums;
  /// What exponents lack, what marginals lack.
  typename Points::ProblemValue taken_off, other_taken_off;
  MarginalPenalty penalty;
};

/// body(place, weight, potential relative to the weight over epsilon, marginal over weight,
/// numbers) for every point with weight, one lane after the other; `mass`: the side's.
template <class Points, class Body>
KOKKOS_INLINE_FUNCTION void for_plan_point(const PlanMarginal<Points>& plan,
                                           const typename Points::ProblemValue& log_mass,
                                           const typename Points::ProblemValue& low,
                                           const typename Points::ProblemValue& lambda,
                                           const typename Points::Place& at, const Body& body) {
  using Numbers = PackNumbers<typename Points::Pack>;
  const Numbers w(plan.weights.load(at)), f(plan.exponents.load(at)), s(plan.log_sums.load(at));
  const Numbers own(plan.taken_off.load(at)), others(plan.other_taken_off.load(at));
  const Numbers mass(log_mass.load(at)), least(low.load(at)), shift(lambda.load(at));
  for (int lane = 0; lane < Numbers::count; ++lane) {
    if (!(w.at[lane] > 0)) continue;
    const double log_weight = ::log(w.at[lane]) + mass.at[lane];
    const double relative = f.at[lane] + own.at[lane] / plan.penalty.epsilon - log_weight;
    // marginal/weight in one exponential: a tiny weight divides nothing.
    const double log_ratio = relative + s.at[lane] + others.at[lane] / plan.penalty.epsilon -
                             least.at[lane] + shift.at[lane];
    body(lane, log_weight, relative, log_ratio);
  }
}

/// Sums of one side into its columns; costs: empty, or the mean cost of every point.
template <class Points, class Field>
void sum_side(Points& points, const PlanMarginal<Points>& plan, const Field& costs) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  using Numbers = PackNumbers<Pack>;
  const auto mass = points.total(log_mass_of(plan.side)), low = points.total(unbalanced::low),
             lambda = points.total(unbalanced::lambda);
  const bool has_costs = static_cast<bool>(costs);
  const int first = figures::dual + static_cast<int>(plan.side) * figures::side_numbers;
  points.template sum<figures::side_numbers>(
      "otfleet::unbalanced::sum_side", plan.side, first,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[figures::side_numbers]) {
        Numbers found[figures::side_numbers] = {Numbers(Pack(0.0)), Numbers(Pack(0.0)),
                                                Numbers(Pack(0.0)), Numbers(Pack(0.0)),
                                                Numbers(Pack(0.0)), Numbers(Pack(0.0))};
        const Numbers cost(has_costs ? costs.load(at) : Pack(0.0));
        for_plan_point(plan, mass, low, lambda, at,
                       [&](int lane, double log_weight, double relative, double log_ratio) {
                         const MarginalPenalty& penalty = plan.penalty;
                         const double f = penalty.epsilon * relative;
                         const double weight = ::exp(log_weight);
                         const double r = ::exp(log_ratio + log_weight);
                         const double asks = penalty.wanted(f, weight, r);
                         const double numbers_of[] = {weight * penalty.dual_term(f),
                                                      penalty.gap_term(f, log_weight, r),
                                                      r,
                                                      asks,
                                                      ::fabs(r - asks),
                                                      r * cost.at[lane]};
                         for (int c = 0; c < figures::side_numbers; ++c)
                           found[c].at[lane] = numbers_of[c];
                       });
        for (int c = 0; c < figures::side_numbers; ++c) sum[c] = sum[c] + found[c].pack();
      });
}

/// The logarithms of one side's potentials, and of the sums of the other one's.
template <class Operator>
PlanMarginal<typename Operator::Points> load_marginal(Operator& plan, Side side,
                                                      const ProblemRows<const double>& potentials,
                                                      const MarginalPenalty& penalty) {
  PlanMarginal<typename Operator::Points> found{side,
                                                plan.weights(side),
                                                plan.field(side),
                                                plan.field(side),
                                                plan.taken_off(side),
                                                plan.taken_off(other(side)),
                                                penalty};
  plan.load(side, potentials, found.exponents);
  take_exponents<typename Operator::Points>(plan, side, penalty.epsilon, found.exponents);
  return found;
}

/// Both sides of the plan of f and g.
template <class Operator>
std::pair<PlanMarginal<typename Operator::Points>, PlanMarginal<typename Operator::Points>>
load_plan(Operator& plan, const ProblemRows<const double>& f, const ProblemRows<const double>& g,
          const MarginalPenalty& source_penalty, const MarginalPenalty& target_penalty) {
  auto source = load_marginal(plan, Side::source, f, source_penalty);
  auto target = load_marginal(plan, Side::target, g, target_penalty);
  // What was taken off is known once both are loaded.
  source.taken_off = target.other_taken_off = plan.taken_off(Side::source);
  target.taken_off = source.other_taken_off = plan.taken_off(Side::target);
  const auto active = plan.total(unbalanced::active);
  plan.log_sums(Side::source, source.log_sums, active);
  plan.log_sums(Side::target, target.log_sums, active);
  return {source, target};
}

/// The mean costs of the source's points under the plan.
template <class Points, class Field>
void divide_costs(Points& points, const typename Points::WeightField& weights, const Field& sums,
                  const Field& costs) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.for_points(
      "otfleet::unbalanced::mean_costs", Side::source, KOKKOS_LAMBDA(const Place& at) {
        const Pack none(0.0), reached = min(weights.load(at), sums.load(at));
        costs.store(at, if_greater(reached, none, costs.load(at) / sums.load(at), none));
      });
}
/// The exponents with which the rows of a plan have sum 1; 0 where nothing reaches.
template <class Points, class Field>
void negate(Points& points, Side side, const Field& log_sums, const Field& to) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.for_points(
      "otfleet::unbalanced::negate", side, KOKKOS_LAMBDA(const Place& at) {
        const Pack none(0.0), limit(0.5 * no_exponent), sum = log_sums.load(at);
        to.store(at, if_greater(sum, limit, none - sum, none));
      });
}

/// Fills the columns of figures for the potentials f and g.
template <class Operator>
void measure_group(Operator& plan, const ProblemRows<const double>& f,
                   const ProblemRows<const double>& g, const MarginalPenalty& source_penalty,
                   const MarginalPenalty& target_penalty) {
  typename Operator::Points& points = plan;
  auto [source, target] = load_plan(plan, f, g, source_penalty, target_penalty);
  // Rows of the plan scaled to sum 1, so that no cost meets a number out of range.
  const auto sums = plan.field(Side::source), costs = plan.field(Side::source);
  negate(points, Side::source, source.log_sums, sums);
  plan.set_exponents(Side::source, sums);
  plan.rows(Side::source, sums, costs);
  divide_costs(points, source.weights, sums, costs);
  sum_side(points, source, costs);
  sum_side(points, target, typename Operator::Field());
}

/// gradient_i = the dual's derivative with respect to weight i at fixed potentials relative to the
/// weights: dual_term + epsilon (mass of the other side − marginal/weight).
template <class Points, class Field>
void differentiate_side(Points& points, const PlanMarginal<Points>& plan, const Field& gradient) {
  using Place = typename Points::Place;
  using Numbers = PackNumbers<typename Points::Pack>;
  const auto mass = points.total(log_mass_of(plan.side)), low = points.total(unbalanced::low),
             lambda = points.total(unbalanced::lambda),
             other_mass = points.total(log_mass_of(other(plan.side)));
  points.for_points(
      "otfleet::unbalanced::differentiate", plan.side, KOKKOS_LAMBDA(const Place& at) {
        Numbers slope(typename Points::Pack(0.0));
        const Numbers others(other_mass.load(at));
        for_plan_point(plan, mass, low, lambda, at,
                       [&](int lane, double, double relative, double log_ratio) {
                         const double epsilon = plan.penalty.epsilon;
                         slope.at[lane] = plan.penalty.dual_term(epsilon * relative) +
                                          epsilon * (::exp(others.at[lane]) - ::exp(log_ratio));
                       });
        gradient.store(at, slope.pack());
      });
}

}  // namespace otfleet::kernels

#pragma once
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/solvers/iteration_observer.hpp"
#include "kernels/solvers/unbalanced/block_ascent.hpp"

// Block ascent on a group of problems, from their starts to where each stops.

namespace otfleet::kernels {

/// Where the potentials of a batch are.
struct PotentialRows {
  ProblemRows<double> f, g;

  const ProblemRows<double>& of(Side side) const { return side == Side::source ? f : g; }
};

inline ProblemRows<const double> as_constant(const ProblemRows<double>& rows) {
  return {rows.data, rows.stride, rows.begin, rows.per_point};
}

/// What a batch is iterated with. Its problems are controlled from the host.
struct AscentRun {
  const UnbalancedSettings& settings;
  PotentialRows rows;
  const IterationWatch& watch;
  std::vector<StopRule> rules;          ///< [B]
  std::vector<int> iterations, status;  ///< [B]: 0 and Status::ended before a problem begins

  bool has_ended() const { return settings.observer != nullptr && settings.observer->ended(); }
};

/// Iterates the problems of a group until each has stopped, with step(t) for iteration t and
/// find_error() after it; store() puts potentials where the run has them.
template <class Operator, class Step, class FindError, class Store>
void iterate(Operator& group, AscentRun& run, const Step& step, const FindError& find_error,
             const Store& store) {
  const std::vector<int> problems = group.problems_on_host();
  IterationObserver* const observer = run.settings.observer;
  std::vector<double> active;
  for (const int k : problems) active.push_back(k < 0 ? 0.0 : 1.0);
  std::vector<InstanceControl> control(problems.size());
  auto open = std::count(active.begin(), active.end(), 1.0);
  for (int t = 0; open > 0; ++t) {
    step(t);
    if (t % run.settings.inner_iterations != 0 && t < run.settings.max_iterations) continue;
    find_error();
    const auto errors = group.total_on_host(ascent::error);
    const auto before = open;
    for (std::size_t at = 0; at < problems.size(); ++at) {
      if (!(active[at] > 0)) continue;
      const int k = problems[at];
      control[at].iteration = run.iterations[k] = t;
      const auto decision = control[at].test(run.rules[k], errors[at]);
      if (decision.stops) run.status[k] = static_cast<int>(decision.why);
      const bool goes_on =
          !decision.stops && (observer == nullptr || observer->goes_on(k, t, errors[at]));
      if (goes_on) continue;
      active[at] = 0;
      --open;
    }
    if (open < before) group.set_total(unbalanced::active, active);
    if (open == 0 || !run.watch || run.watch(t, store)) continue;
    for (std::size_t at = 0; at < problems.size(); ++at)
      if (active[at] > 0) run.status[problems[at]] = static_cast<int>(Status::iteration_limit);
    return;
  }
}

/// The exponents of one side: those of its row of potentials, or of its weights.
template <class Operator>
void load_exponents(Operator& group, const AscentFields<typename Operator::Points>& fields,
                    Side side, const AscentRun& run, bool absolute) {
  using Place = typename Operator::Place;
  using Pack = typename Operator::Pack;
  typename Operator::Points& points = group;
  const auto exponent = fields.exponent(side), weight = fields.log_weight(side);
  if (!run.settings.from_solution)
    return points.for_points(
        "otfleet::unbalanced::begin_at_zero", side,
        KOKKOS_LAMBDA(const Place& at) { exponent.store(at, weight.load(at)); });
  group.load(side, as_constant(run.rows.of(side)), exponent);
  take_exponents(points, side, run.settings.epsilon, exponent);
  if (!absolute) return;
  const auto taken_off = group.taken_off(side);
  const Pack scale(1 / run.settings.epsilon);
  points.for_points(
      "otfleet::unbalanced::add_taken_off", side, KOKKOS_LAMBDA(const Place& at) {
        exponent.store(at, exponent.load(at) + taken_off.load(at) * scale);
      });
}

/// A row of potentials from exponents.
template <class Operator, class Field>
void store_exponents(Operator& group, Side side, const Field& exponents, const Field& work,
                     double epsilon, const ProblemRows<double>& row) {
  using Place = typename Operator::Place;
  using Pack = typename Operator::Pack;
  typename Operator::Points& points = group;
  points.for_points(
      "otfleet::unbalanced::potentials", side,
      KOKKOS_LAMBDA(const Place& at) { work.store(at, exponents.load(at) * Pack(epsilon)); });
  group.fill_rows(side, row, -std::numeric_limits<double>::infinity());
  group.store_field(side, work, row);
}

/// Both rows of potentials from exponent(side).
template <class Operator, class Exponent>
void store_potentials(Operator& group, const AscentFields<typename Operator::Points>& fields,
                      const AscentRun& run, const Exponent& exponent) {
  for (const Side side : {Side::source, Side::target})
    store_exponents(group, side, exponent(side), fields.potential(side), run.settings.epsilon,
                    run.rows.of(side));
}

/// `absolute`: weights in units of mass.
template <class Operator>
AscentFields<typename Operator::Points> make_fields(Operator& group, bool absolute) {
  AscentFields<typename Operator::Points> fields;
  for (const Side side : {Side::source, Side::target}) {
    const int s = static_cast<int>(side);
    fields.exponents[s] = group.field(side);
    fields.log_sums[s] = group.field(side);
    fields.log_weights[s] = group.field(side);
    fields.potentials[s] = group.field(side);
    load_log_weights<typename Operator::Points>(group, side, group.weights(side),
                                                fields.log_weights[s]);
  }
  if (absolute) load_absolute_weights<typename Operator::Points>(group, fields);
  return fields;
}

/// Potentials of problems that have not begun: zero relative to the weights, or as they were given.
template <class Operator>
void leave_group(Operator& group, const AscentRun& run) {
  if (run.settings.from_solution) return;
  const auto fields = make_fields(group, true);
  store_potentials(group, fields, run, [&](Side side) { return fields.log_weight(side); });
}

/// Block ascent on a group from the potential of the side that is updated last, or from f.
template <class Operator, class Updates>
void ascend_group(Operator& group, const Updates& updates, AscentRun& run) {
  if (run.has_ended()) return leave_group(group, run);
  typename Operator::Points& points = group;
  const auto [first, last] = updates.order;
  auto fields = make_fields(group, Updates::absolute);
  fields.asked = group.field(last);
  const auto find_log_sums = [&](Side side) {
    group.log_sums(side, fields.log_sum(side), points.total(unbalanced::active));
  };
  const auto fit = [&](Side side) {
    updates.fit(points, fields, side);
    group.set_exponents(side, fields.exponent(side));
  };
  const Side given = run.settings.from_solution && run.settings.from_f_alone ? Side::source : last;
  load_exponents(group, fields, given, run, Updates::absolute);
  group.set_exponents(given, fields.exponent(given));
  if (given == last) {
    updates.begin(points, fields, !run.settings.from_solution);
  } else {
    find_log_sums(last);
    fit(last);
  }
  // Constants that are not known yet are nothing that a later start needs.
  const auto store = [&] {
    store_potentials(group, fields, run, [&](Side side) { return fields.exponent(side); });
  };
  iterate(
      group, run,
      [&, first = first, last = last](int t) {
        if (t > 0) fit(last);
        find_log_sums(first);
        fit(first);
        find_log_sums(last);
      },
      [&] { updates.find_error(points, fields); }, store);
  updates.finish(points, fields, is_balanced(run.settings));
  store();
}

/// The same for problems whose two sides are one measure, from zeros.
template <class Operator>
void ascend_symmetrically(Operator& group, const MarginalPenalty& penalty, AscentRun& run) {
  if (run.has_ended()) return leave_group(group, run);
  typename Operator::Points& points = group;
  const SymmetricUpdates<typename Operator::Points> updates{penalty};
  const auto fields = make_fields(group, true);
  load_exponents(group, fields, Side::source, run, true);
  const auto store = [&] {
    store_potentials(group, fields, run, [&](Side) { return fields.exponent(Side::source); });
  };
  iterate(
      group, run,
      [&](int t) {
        if (t > 0) updates.fit(points, fields);
        // The problem is its own mirror image: so are its fields.
        group.set_exponents(Side::target, fields.exponent(Side::source));
        group.log_sums(Side::source, fields.log_sum(Side::source),
                       points.total(unbalanced::active));
      },
      [&] { updates.find_error(points, fields); }, store);
  store();
}

}  // namespace otfleet::kernels

#include "kernels/outputs/certificate.hpp"

#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/operators/for_each_operator.hpp"
#include "kernels/operators/in_passes/truncated_operator.hpp"
#include "kernels/operators/problem_scales.hpp"
#include "kernels/outputs/allowed_rounding.hpp"
#include "kernels/outputs/bounds.hpp"
#include "kernels/outputs/certificate_in_passes.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/problems/whole_clouds.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
Certificates<ExecutionSpace>::Certificates(int batch)
    : dual_value("otfleet::certificate::dual_value", batch),
      transport_cost("otfleet::certificate::transport_cost", batch),
      upper_bound("otfleet::certificate::upper_bound", batch),
      lower_bound("otfleet::certificate::lower_bound", batch),
      marginal_error("otfleet::certificate::marginal_error", batch),
      left_out("otfleet::certificate::left_out", batch) {}

namespace {

/// What is summed over the points of a problem; weights are shares of the mass.
enum Total {
  target_dual,      ///< of b times the logarithms of exp(g/epsilon)
  source_exponent,  ///< the largest |f|/epsilon and |g|/epsilon, where rounding grows with them
  target_exponent,
  source_gap,  ///< of a (max f − f)
  error,       ///< |P1 − a|_1
  plan_mass,
  cost,  ///< <C, P>
  kept_cost,
  missing_mass,
  missing_cost,
  first_dual,
  first_largest,
  second_dual,
  second_size,
  left_out,  ///< of the mass, by blocks that the operator does not look at
  totals
};

constexpr OperatorUse use{6, true};

// What no cost has a part in is compiled once for tiles and once for passes: Points are what all
// operators of a form have in common.

template <class Points, class Field>
void sum_target_dual(Points& points, const typename Points::WeightField& b,
                     const Field& exponents) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.template sum<1>(
      "otfleet::certificate::target_dual", Side::target, target_dual,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[1]) {
        sum[0] = sum[0] + b.load(at) * exponents.load(at);
      });
}

template <class Points, class Field>
void find_largest_exponent(Points& points, Side side, Total which, const Field& exponents) {
  using Place = typename Points::Place;
  points.largest(
      "otfleet::certificate::largest_exponent", side, which,
      KOKKOS_LAMBDA(const Place& at) { return abs(exponents.load(at)); });
}

/// The error of the row sums, the plan's mass and cost, and what f adds to the dual value.
template <class Points, class Field>
void sum_figures(Points& points, const typename Points::WeightField& a, const Field& gaps,
                 const Field& sums, const Field& costs) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.template sum<4>(
      "otfleet::certificate::measure", Side::source, source_gap,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[4]) {
        const Pack weight = a.load(at), none(0.0);
        const auto add = [&](int c, const Pack& term) {
          sum[c] = sum[c] + if_greater(weight, none, term, none);
        };
        add(0, weight * gaps.load(at));
        add(1, abs(sums.load(at) - weight));
        add(2, sums.load(at));
        add(3, costs.load(at));
      });
}

/// missing = max(weight − sum, 0), and what rounding may hide of it (bounds.hpp).
template <class Points, class Field>
void find_missing(Points& points, Side side, const typename Points::WeightField& weights,
                  const typename Points::ProblemValue& rounding, const Field& sums,
                  const Field& missing) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.for_points(
      "otfleet::certificate::find_missing", side, KOKKOS_LAMBDA(const Place& at) {
        const Pack weight = weights.load(at), none(0.0), lack = weight - sums.load(at);
        const Pack hidden = Pack(widening) * rounding.load(at) * weight;
        // What is not a number stays.
        missing.store(at,
                      if_greater(weight, none, if_greater(none, lack, none, lack) + hidden, none));
      });
}

/// What of the cost is kept where rows with these sums are scaled down to their weights, and what
/// they lack.
template <class Points, class Field>
void sum_kept(Points& points, const typename Points::WeightField& weights, const Field& sums,
              const Field& missing, const Field& costs) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.template sum<2>(
      "otfleet::certificate::kept", Side::source, kept_cost,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[2]) {
        const Pack tiny(Kokkos::Experimental::norm_min<double>::value), none(0.0);
        const Pack weight = weights.load(at), lack = missing.load(at);
        const Pack share = weight / max(max(sums.load(at), weight), tiny);
        sum[0] = sum[0] + if_greater(lack, none, costs.load(at) * share, none);
        sum[1] = sum[1] + lack;
      });
}

template <class Points, class Field>
void sum_completion(Points& points, const Field& missing, const Field& costs) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.template sum<1>(
      "otfleet::certificate::completion", Side::source, missing_cost,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[1]) {
        const Pack lack = missing.load(at), none(0.0);
        sum[0] = sum[0] + if_greater(lack, none, lack * costs.load(at), none);
      });
}

/// A point that far below the largest potential is in no minimum, nor is one without weight; what
/// is not a number is taken for one.
template <class Points, class Field>
void cut_gaps(Points& points, const typename Points::WeightField& a,
              const typename Points::ProblemValue& most, double beyond, const Field& gaps) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.for_points(
      "otfleet::certificate::gaps", Side::source, KOKKOS_LAMBDA(const Place& at) {
        const Pack none(0.0), gap = gaps.load(at), far = most.load(at);
        gaps.store(at, if_greater(a.load(at), none, if_greater(far, gap, gap, far), Pack(beyond)));
      });
}

/// What the first transform adds to the dual value; it becomes its negative.
template <class Points, class Field>
void sum_first(Points& points, const typename Points::WeightField& b, double beyond,
               const Field& first) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.largest(
      "otfleet::certificate::first_largest", Side::target, first_largest,
      KOKKOS_LAMBDA(const Place& at) {
        const Pack none(0.0);
        return if_greater(b.load(at), none, first.load(at), none);
      });
  points.template sum<1>(
      "otfleet::certificate::first_dual", Side::target, first_dual,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[1]) {
        const Pack weight = b.load(at), none(0.0), value = first.load(at);
        sum[0] = sum[0] + if_greater(weight, none, weight * value, none);
        first.store(at, if_greater(weight, none, none - value, Pack(beyond)));
      });
}

template <class Points, class Field>
void sum_second(Points& points, const typename Points::WeightField& a, const Field& second) {
  using Place = typename Points::Place;
  using Pack = typename Points::Pack;
  points.template sum<2>(
      "otfleet::certificate::second_dual", Side::source, second_dual,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[2]) {
        const Pack weight = a.load(at), none(0.0);
        const Pack term = if_greater(weight, none, weight * second.load(at), none);
        sum[0] = sum[0] + term;
        sum[1] = sum[1] + abs(term);
      });
}

/// The plan of f: its row sums, their error, its cost, and what makes up the dual value. Leaves the
/// row sums in `sums`.
template <class Operator, class Field>
void measure(Operator& plan, const Field& gaps, const Field& sums, const Field& costs,
             const Field& columns) {
  typename Operator::Points& points = plan;
  plan.exponents(Side::target, columns);
  sum_target_dual(points, plan.weights(Side::target), columns);
  if (plan.rounding_grows()) {
    plan.exponents(Side::source, sums);
    find_largest_exponent(points, Side::source, source_exponent, sums);
    find_largest_exponent(points, Side::target, target_exponent, columns);
  }
  plan.find_rounding(source_exponent, target_exponent);
  plan.rows(Side::source, sums, costs);
  sum_figures(points, plan.weights(Side::source), gaps, sums, costs);
}

/// Rounds the plan, whose row sums are `sums` and whose rows cost `costs`, to a feasible one
/// (Altschuler, Weed & Rigollet 2017, algorithm 2): rows down to a, then the product of what is
/// missing. The columns are b by the choice of g, so that rows that were scaled down leave none
/// that is too large.
template <class Operator, class Field>
void round_plan(Operator& plan, const Field& sums, const Field& costs, const Field& columns) {
  typename Operator::Points& points = plan;
  const auto missing_a = plan.field(Side::source), missing_b = plan.field(Side::target);
  const auto a = plan.weights(Side::source);
  find_missing(points, Side::source, a, plan.rounding(), sums, missing_a);
  sum_kept(points, a, sums, missing_a, costs);
  if (!plan.multiplies_costs()) return;
  plan.scale_down(Side::source, sums);
  plan.rows(Side::target, columns);
  find_missing(points, Side::target, plan.weights(Side::target), plan.rounding(), columns,
               missing_b);
  plan.apply_cost(missing_b, costs);
  sum_completion(points, missing_a, costs);
}

/// The c-transforms f' of f and f'' of f', and their dual value, both over the supports alone:
/// constraints between points without weight bind nobody. Works on max f − f, so that both are
/// minima of sums of numbers between 0 and twice the range: the bound holds for potentials of any
/// size. Overwrites the gaps.
template <class Operator, class Field>
void bound_below(Operator& plan, const Field& gaps, const Field& first, const Field& second) {
  typename Operator::Points& points = plan;
  cut_gaps(points, plan.weights(Side::source), plan.most_gap(), plan.beyond(), gaps);
  plan.hard_min(Side::target, gaps, first);
  sum_first(points, plan.weights(Side::target), plan.beyond(), first);
  plan.hard_min(Side::source, first, second);
  sum_second(points, plan.weights(Side::source), second);
}

template <class Operator>
void certify_group(Operator& plan, const ProblemRows<const double>& f,
                   const ProblemRows<double>& g) {
  const auto gaps = plan.field(Side::source, plan.beyond());
  const auto columns = plan.field(Side::target, plan.beyond());
  const auto sums = plan.field(Side::source), costs = plan.field(Side::source);
  plan.load(Side::source, f, gaps);
  plan.fit(Side::target);
  if (g.data) plan.store(Side::target, g);
  if constexpr (requires { plan.left_out(); }) plan.set_total(left_out, {plan.left_out()});
  measure(plan, gaps, sums, costs, columns);
  round_plan(plan, sums, costs, columns);
  bound_below(plan, gaps, columns, sums);
}

/// What bounds need of every problem of a batch.
template <class ExecutionSpace>
std::vector<ProblemFacts> facts_of(const GridProblems<ExecutionSpace>& batch) {
  const SeparableCost& cost = batch.cost;
  const double terms = cost.summed_terms();
  std::vector<ProblemFacts> facts;
  for (const ProblemScale& scale : scales_of(batch))
    facts.push_back({scale.source_mass, scale.minimum, sum_rounding(terms) * cost.offset(),
                     scale.range, 0, static_cast<double>(cost.axes().size() + 1), terms, -1});
  return facts;
}
template <class ExecutionSpace>
std::vector<ProblemFacts> facts_of(const CloudForms<ExecutionSpace>& batch) {
  const auto& problems = batch.problems;
  const auto scales = scales_of(batch);
  std::vector<ProblemFacts> facts;
  for (int k = 0; k < problems.size(); ++k) {
    const ProblemScale& scale = scales[k];
    const double terms = 2 * (problems.source.whole_size(problems.source.index[k]) +
                              problems.target.whole_size(problems.target.index[k]));
    facts.push_back({scale.source_mass, scale.minimum,
                     sum_rounding(terms) * std::abs(scale.minimum), scale.range,
                     problems.rounding_of(k), 2, terms, problems.dimension()});
  }
  return facts;
}

template <class ExecutionSpace>
std::vector<ProblemFacts> facts_of(const TruncatedClouds<ExecutionSpace>& batch) {
  return facts_of(CloudForms<ExecutionSpace>{batch.problems, {}});
}

/// Every problem's figures from its totals [B, totals].
template <class ExecutionSpace>
void find_figures(const Matrix<double, ExecutionSpace>& found, double epsilon,
                  const std::vector<ProblemFacts>& facts, const Certificates<ExecutionSpace>& out) {
  const auto total = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), found);
  const auto error_of = Kokkos::create_mirror_view(out.marginal_error);
  const auto dual = Kokkos::create_mirror_view(out.dual_value);
  const auto transport = Kokkos::create_mirror_view(out.transport_cost);
  const auto upper = Kokkos::create_mirror_view(out.upper_bound);
  const auto lower = Kokkos::create_mirror_view(out.lower_bound);
  const auto beyond = Kokkos::create_mirror_view(out.left_out);
  for (int k = 0; k < static_cast<int>(facts.size()); ++k) {
    const ProblemFacts& problem = facts[k];
    const double mass = problem.mass;
    // Of rows, and of columns, whose sums over all pairs are larger than b by as much.
    beyond(k) = total(k, left_out);
    error_of(k) = total(k, error) + 2 * beyond(k);
    // What was taken off f is in g.
    const double whole_mass = total(k, plan_mass) + beyond(k);
    dual(k) = mass * (epsilon * (total(k, target_dual) + std::log(mass) + (1 - whole_mass)) -
                      total(k, source_gap) + problem.minimum);
    transport(k) = mass * (total(k, cost) + problem.minimum * total(k, plan_mass));
    const PlanTotals sums{
        total(k, kept_cost),     total(k, missing_cost),
        total(k, missing_mass),  total(k, first_dual),
        total(k, second_dual),   total(k, second_size),
        total(k, first_largest), total(k, source_exponent) + total(k, target_exponent)};
    const PlanBounds bounds = bound_plan(problem, sums);
    upper(k) = mass * bounds.upper;
    lower(k) = mass * bounds.lower;
  }
  Kokkos::deep_copy(out.marginal_error, error_of);
  Kokkos::deep_copy(out.dual_value, dual);
  Kokkos::deep_copy(out.transport_cost, transport);
  Kokkos::deep_copy(out.upper_bound, upper);
  Kokkos::deep_copy(out.lower_bound, lower);
  Kokkos::deep_copy(out.left_out, beyond);
}

/// Certifies a batch in the form that was chosen for it.
template <class Batch, class ExecutionSpace>
void certify_batch(const ExecutionSpace& space, const Batch& batch, double epsilon,
                   const ProblemRows<const double>& f, const ProblemRows<double>& g,
                   const Certificates<ExecutionSpace>& out) {
  if (out.dual_value.extent(0) != static_cast<std::size_t>(batch.size()))
    throw std::invalid_argument("certificates do not have one entry for each problem");
  const Matrix<double, ExecutionSpace> found("otfleet::certificate::totals", batch.size(), totals);
  for_each_operator(space, batch, epsilon, use, found,
                    [&](auto& plan) { certify_group(plan, f, g); });
  find_figures(found, epsilon, facts_of(batch), out);
}

/// certify() of what is worth a look, whose points every rank takes.
template <class ExecutionSpace>
void certify_truncated(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                       double epsilon, const Vector<const double, ExecutionSpace>& f,
                       const Vector<double, ExecutionSpace>& g,
                       const Certificates<ExecutionSpace>& out, double most_left_out) {
  flat_rows("f", f, problems.source_offsets());  // throws where sizes do not fit
  if (g.extent(0) > 0) flat_rows("g", g, problems.target_offsets());
  const auto whole = gather_clouds(space, problems);
  const TruncatedClouds<ExecutionSpace> batch{make_cloud_problems(whole.batch, epsilon),
                                              most_left_out, whole.communicator};
  if (batch.size() == 0) return;
  const auto sources = whole.batch.source_offsets(), targets = whole.batch.target_offsets();
  if (whole.communicator == nullptr)
    return certify_batch(space, batch, epsilon, flat_rows("f", f, sources),
                         g.extent(0) > 0 ? flat_rows("g", g, targets) : ProblemRows<double>(), out);
  const Vector<const double, ExecutionSpace> all_f =
      gather_values(space, whole.communicator, whole.source, f);
  const Vector<double, ExecutionSpace> all_g(
      "otfleet::certificate::g",
      static_cast<std::size_t>(g.extent(0) > 0 ? whole.target.total : 0));
  certify_batch(space, batch, epsilon, flat_rows("f", all_f, sources),
                all_g.extent(0) > 0 ? flat_rows("g", all_g, targets) : ProblemRows<double>(), out);
  if (g.extent(0) > 0) take_own<ExecutionSpace>(space, whole.target, all_g, g);
}

template <class Array>
ProblemRows<double> rows_if_any(const Array& g, int batch, int m) {
  if (g.extent(1) == 0) return {};
  check_rows("g", g, batch, m);
  return rows_of_matrix(g);
}

}  // namespace

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const SeparableCost& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& out) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  const auto g_rows = rows_if_any(g, problems.size(), cost.m());
  with_operators(space, cost, problems, epsilon, [&](const auto& batch) {
    certify_batch(space, batch, epsilon, rows_of_matrix(f), g_rows, out);
  });
  if (cost.forbids()) bound_by_allowed_plans(cost, problems, epsilon, f, out.upper_bound);
}

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& out) {
  const CloudForms<ExecutionSpace> batch{make_cloud_problems(cost, problems, epsilon), {}};
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  certify_batch(space, batch, epsilon, rows_of_matrix(f), rows_if_any(g, batch.size(), cost.m()),
                out);
}

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
             double epsilon, const Vector<const double, ExecutionSpace>& f,
             const Vector<double, ExecutionSpace>& g, const Certificates<ExecutionSpace>& out,
             double most_left_out) {
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  if (most_left_out > 0)
    return certify_truncated(space, problems, epsilon, f, g, out, most_left_out);
  auto made = make_cloud_problems(problems, epsilon);
  if (made.size() == 0) return;
  const auto batch = choose_forms(std::move(made), sources, targets);
  const auto rows = flat_rows("f", f, sources);
  const auto g_rows = g.extent(0) > 0 ? flat_rows("g", g, targets) : ProblemRows<double>();
  certify_batch(space, batch, epsilon, rows, g_rows, out);
}

template <class ExecutionSpace>
void certify_in_passes(const ExecutionSpace& space, const SeparableCost& cost,
                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                       const Matrix<const double, ExecutionSpace>& f,
                       const Matrix<double, ExecutionSpace>& g,
                       const Certificates<ExecutionSpace>& out) {
  const CloudForms<ExecutionSpace> batch{make_cloud_problems<ExecutionSpace>(cost, problems), {}};
  certify_batch(space, batch, epsilon, rows_of_matrix(f), rows_if_any(g, batch.size(), cost.m()),
                out);
}

#define OTFLEET_INSTANTIATE(Space)                                                               \
  template struct Certificates<Space>;                                                           \
  template void certify<Space>(const Space&, const SeparableCost&, const ProblemBatch<Space>&,   \
                               double, const Matrix<const double, Space>&,                       \
                               const Matrix<double, Space>&, const Certificates<Space>&);        \
  template void certify<Space>(const Space&, const PointCloudCost<Space>&,                       \
                               const ProblemBatch<Space>&, double,                               \
                               const Matrix<const double, Space>&, const Matrix<double, Space>&, \
                               const Certificates<Space>&);                                      \
  template void certify_in_passes<Space>(                                                        \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double,                    \
      const Matrix<const double, Space>&, const Matrix<double, Space>&,                          \
      const Certificates<Space>&);                                                               \
  template void certify<Space>(const Space&, const CloudBatch<Space>&, double,                   \
                               const Vector<const double, Space>&, const Vector<double, Space>&, \
                               const Certificates<Space>&, double);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/clouds/cloud_plan.hpp"
#include "kernels/clouds/cloud_solver.hpp"
#include "kernels/clouds/small_clouds.hpp"

namespace otfleet::kernels {
namespace {

/// |P1 − a|_1.
template <class ExecutionSpace>
double row_error(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& source) {
  const auto weight = source.support.weight;
  const auto sum = source.sum;
  return sum_terms(
      space, source.points, KOKKOS_LAMBDA(int i) {
        const double missing = sum(i) - weight(i);
        return missing < 0 ? -missing : missing;
      });
}

/// Scales the plan's rows (or columns) of this side, with the sums `side.sum`, down to its weights;
/// missing [padded] (0 in the padding) becomes what the scaled sums lack.
template <class ExecutionSpace>
void scale_down(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side,
                const Vector<double, ExecutionSpace>& missing) {
  const auto weight = side.support.weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::scale_down",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const bool too_much = sum(i) > weight(i);
        if (too_much) potential(i) += ::log2(weight(i) / sum(i));
        shift(i) = -potential(i);
        const double lack = too_much ? 0.0 : weight(i) - sum(i);
        missing(i) = lack;
      });
}

/// missing = max(weight − sum, 0).
template <class ExecutionSpace>
void find_missing(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side,
                  const Vector<double, ExecutionSpace>& missing) {
  const auto weight = side.support.weight;
  const auto sum = side.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::find_missing",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const double lack = weight(i) - sum(i);
        missing(i) = lack > 0 ? lack : lack <= 0 ? 0.0 : lack;  // NaN stays
      });
}

/// max f − f on the support, what is far below the largest or not a number taken for `far`: no
/// minimum notices, and all numbers keep the size of costs.
template <class ExecutionSpace>
void load_gaps(const ExecutionSpace& space, const Vector<const double, ExecutionSpace>& f,
               double largest, double far, const Support<ExecutionSpace>& support,
               const Vector<double, ExecutionSpace>& gaps) {
  const auto index = support.index;
  Kokkos::parallel_for(
      "otfleet::clouds::load_gaps", Kokkos::RangePolicy<ExecutionSpace>(space, 0, support.count),
      KOKKOS_LAMBDA(int i) {
        const double gap = largest - f(index(i));
        gaps(i) = gap < far ? gap : far;
      });
}

template <class ExecutionSpace>
double product_sum(const ExecutionSpace& space, const CloudPoints<ExecutionSpace, double>& points,
                   const Vector<const double, ExecutionSpace>& x,
                   const Vector<double, ExecutionSpace>& y) {
  return sum_terms(
      space, points, KOKKOS_LAMBDA(int i) { return x(i) * y(i); });
}

template <class ExecutionSpace>
void negate(const ExecutionSpace& space, int count, const Vector<double, ExecutionSpace>& values) {
  Kokkos::parallel_for(
      "otfleet::clouds::negate", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) { values(i) = -values(i); });
}

/// <C, P> for the plan of the potentials of both sides; source.shift = −source.potential.
template <CostForm form, class ExecutionSpace>
double plan_cost(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& source,
                 const PlanSide<ExecutionSpace>& target,
                 const Vector<double, ExecutionSpace>& result, double scale, double power) {
  run_pass<form, PassResult::costs>(space, source.points, target.points, target.potential,
                                    source.shift, result, scale, power);
  return sum_terms(
      space, source.points, KOKKOS_LAMBDA(int i) { return result(i); });
}

/// The cost of the rounding of the plan to a feasible one: rows down to a, then columns down to b,
/// then the product of what is missing. Overwrites potentials, shifts and sums.
template <CostForm form, class ExecutionSpace>
double rounded_cost(const ExecutionSpace& space, CloudArena<ExecutionSpace>& arena,
                    const PlanSide<ExecutionSpace>& source, const PlanSide<ExecutionSpace>& target,
                    double scale, double power) {
  const auto missing_a = padded_array(space, arena, source.points, 0);
  const auto missing_b = padded_array(space, arena, target.points, 0);
  const auto result = padded_array(space, arena, source.points, 0);
  scale_down(space, source, missing_a);
  run_pass<form, PassResult::exponential>(space, target.points, source.points, source.potential,
                                          target.shift, target.sum, scale, power);
  scale_down(space, target, missing_b);
  run_pass<form, PassResult::exponential>(space, source.points, target.points, target.potential,
                                          source.shift, source.sum, scale, power);
  find_missing(space, source, missing_a);
  const double kept = plan_cost<form>(space, source, target, result, scale, power);
  run_pass<form, PassResult::product>(space, source.points, target.points, missing_b, missing_b,
                                      result, scale, power);
  const double added = product_sum<ExecutionSpace>(space, source.points, missing_a, result);
  const double mass = sum_terms(
      space, source.points, KOKKOS_LAMBDA(int i) { return missing_a(i); });
  return mass > 0 || std::isnan(mass) ? kept + added / mass : kept;
}

template <class ExecutionSpace>
void judge(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch, double epsilon,
           const ProblemRows<const double>& f, const ProblemRows<double>& g,
           const Certificates<ExecutionSpace>& out) {
  if (out.dual_value.extent(0) != static_cast<std::size_t>(batch.size()))
    throw std::invalid_argument("certificates do not have one entry for each problem");
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const double scale = 1 / (epsilon * std::log(2.0)), power = batch.power;
  const auto error = Kokkos::create_mirror_view(out.marginal_error);
  const auto dual = Kokkos::create_mirror_view(out.dual_value);
  const auto transport = Kokkos::create_mirror_view(out.transport_cost);
  const auto upper = Kokkos::create_mirror_view(out.upper_bound);
  const auto lower = Kokkos::create_mirror_view(out.lower_bound);
  for_each_cloud_problem<double>(space, batch, 1.0, [&](const auto& problem) {
    const int k = problem.k;
    auto& arena = *problem.arena;
    const auto row = problem.source_row(f);
    const auto source = make_plan_side(space, arena, problem.source);
    const auto target = make_plan_side(space, arena, problem.target);
    const double largest = largest_potential(space, row, source);
    const auto gaps = padded_array(space, arena, source.points, infinite);
    const auto result = padded_array(space, arena, source.points, 0);
    const auto transform = padded_array(space, arena, target.points, infinite);
    load_gaps(space, row, largest, problem.bound, source.support, gaps);
    with_cost_form(batch.kind, [&](auto constant) {
      constexpr CostForm form = decltype(constant)::form;
      make_plan<form>(space, row, largest, source, target, scale, power);
      error(k) = row_error(space, source);
      dual(k) = dual_value(space, row, largest, problem.mass, epsilon, source, target);
      transport(k) = problem.mass * plan_cost<form>(space, source, target, result, scale, power);
      if (g.data)
        store_target_potential(space, target, scale, largest, problem.mass, problem.target_row(g));
      upper(k) = problem.mass * rounded_cost<form>(space, arena, source, target, scale, power);

      // Over the supports alone: constraints between points without weight bind nobody.
      run_pass<form, PassResult::smallest>(space, target.points, source.points, gaps, gaps,
                                           transform, scale, power);
      const double first =
          product_sum<ExecutionSpace>(space, target.points, target.support.weight, transform);
      negate(space, target.points.count, transform);
      run_pass<form, PassResult::smallest>(space, source.points, target.points, transform,
                                           transform, result, scale, power);
      // No cost is negative.
      lower(k) = problem.mass *
                 std::max(0.0, first + product_sum<ExecutionSpace>(space, source.points,
                                                                   source.support.weight, result));
    });
  });
  Kokkos::deep_copy(out.marginal_error, error);
  Kokkos::deep_copy(out.dual_value, dual);
  Kokkos::deep_copy(out.transport_cost, transport);
  Kokkos::deep_copy(out.upper_bound, upper);
  Kokkos::deep_copy(out.lower_bound, lower);
}

}  // namespace

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& out) {
  const auto batch = walk_through(cost, problems, epsilon);
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  if (g.extent(1) > 0) check_rows("g", g, batch.size(), cost.m());
  judge(space, batch, epsilon, rows_of_matrix(f),
        g.extent(1) > 0 ? rows_of_matrix(g) : ProblemRows<double>(), out);
}

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
             double epsilon, const Vector<const double, ExecutionSpace>& f,
             const Vector<double, ExecutionSpace>& g, const Certificates<ExecutionSpace>& out) {
  auto batch = walk_through(problems, epsilon);
  if (batch.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto rows = flat_rows("f", f, sources);
  const bool wants_g = g.extent(0) > 0;
  const auto target_rows = wants_g ? flat_rows("g", g, targets) : ProblemRows<double>();
  const auto small = take_small_problems(batch, sources, targets);
  judge(space, batch, epsilon, rows, target_rows, out);
  certify_small_clouds(space, small, batch.kind, batch.power, epsilon, f.data(),
                       wants_g ? g.data() : nullptr, out);
}

template void certify<Kokkos::DefaultExecutionSpace>(
    const Kokkos::DefaultExecutionSpace&, const PointCloudCost<Kokkos::DefaultExecutionSpace>&,
    const ProblemBatch<Kokkos::DefaultExecutionSpace>&, double,
    const Matrix<const double, Kokkos::DefaultExecutionSpace>&,
    const Matrix<double, Kokkos::DefaultExecutionSpace>&,
    const Certificates<Kokkos::DefaultExecutionSpace>&);
template void certify<Kokkos::DefaultExecutionSpace>(
    const Kokkos::DefaultExecutionSpace&, const CloudBatch<Kokkos::DefaultExecutionSpace>&, double,
    const Vector<const double, Kokkos::DefaultExecutionSpace>&,
    const Vector<double, Kokkos::DefaultExecutionSpace>&,
    const Certificates<Kokkos::DefaultExecutionSpace>&);

}  // namespace otfleet::kernels

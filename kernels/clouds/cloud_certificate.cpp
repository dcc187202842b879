#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/clouds/cloud_plan.hpp"
#include "kernels/clouds/cloud_solver.hpp"

namespace otfleet::kernels {
namespace {

/// |P1 − a|_1.
template <class ExecutionSpace>
double row_error(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& source) {
  const auto weight = source.support.weight;
  const auto sum = source.sum;
  return sum_terms(
      space, source.points.count, KOKKOS_LAMBDA(int i) {
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
void load_gaps(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& f, int k,
               double largest, double far, const Support<ExecutionSpace>& support,
               const Vector<double, ExecutionSpace>& gaps) {
  const auto index = support.index;
  Kokkos::parallel_for(
      "otfleet::clouds::load_gaps", Kokkos::RangePolicy<ExecutionSpace>(space, 0, support.count),
      KOKKOS_LAMBDA(int i) {
        const double gap = largest - f(k, index(i));
        gaps(i) = gap < far ? gap : far;
      });
}

template <class ExecutionSpace>
double product_sum(const ExecutionSpace& space, int count,
                   const Vector<const double, ExecutionSpace>& x,
                   const Vector<double, ExecutionSpace>& y) {
  return sum_terms(
      space, count, KOKKOS_LAMBDA(int i) { return x(i) * y(i); });
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
      space, source.points.count, KOKKOS_LAMBDA(int i) { return result(i); });
}

/// The cost of the rounding of the plan to a feasible one: rows down to a, then columns down to b,
/// then the product of what is missing. Overwrites potentials, shifts and sums.
template <CostForm form, class ExecutionSpace>
double rounded_cost(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& source,
                    const PlanSide<ExecutionSpace>& target, double scale, double power) {
  const auto missing_a = padded_array(space, source.points, 0);
  const auto missing_b = padded_array(space, target.points, 0);
  const auto result = padded_array(space, source.points, 0);
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
  const double added = product_sum<ExecutionSpace>(space, source.points.count, missing_a, result);
  const double mass = sum_terms(
      space, source.points.count, KOKKOS_LAMBDA(int i) { return missing_a(i); });
  return mass > 0 || std::isnan(mass) ? kept + added / mass : kept;
}

}  // namespace

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& out) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the clouds have");
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  if (g.extent(1) > 0) check_rows("g", g, problems.size(), cost.m());
  if (out.dual_value.extent(0) != static_cast<std::size_t>(problems.size()))
    throw std::invalid_argument("certificates do not have one entry for each problem");
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const double scale = 1 / (epsilon * std::log(2.0)), power = cost.power();
  const HostIndices indices = host_indices(problems);
  const auto source_mass =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.source.mass);
  const auto target_mass =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.target.mass);
  CloudCache<double, ExecutionSpace> sources(cost.x(), 1.0), targets(cost.y(), 1.0);
  const auto error = Kokkos::create_mirror_view(out.marginal_error);
  const auto dual = Kokkos::create_mirror_view(out.dual_value);
  const auto transport = Kokkos::create_mirror_view(out.transport_cost);
  const auto upper = Kokkos::create_mirror_view(out.upper_bound);
  const auto lower = Kokkos::create_mirror_view(out.lower_bound);
  for (int k = 0; k < problems.size(); ++k) {
    const int from = indices.source(k), to = indices.target(k);
    const double mass = source_mass(from), share = mass / target_mass(to);
    const auto source =
        make_plan_side(space, sources, find_support(space, problems.source, from, 1.0));
    const auto target =
        make_plan_side(space, targets, find_support(space, problems.target, to, share));
    const double largest = largest_potential(space, f, k, source.support);
    const auto gaps = padded_array(space, source.points, infinite);
    const auto result = padded_array(space, source.points, 0);
    const auto transform = padded_array(space, target.points, infinite);
    load_gaps(space, f, k, largest, cost.bound(), source.support, gaps);
    with_cost_form(cost.kind(), [&](auto constant) {
      constexpr CostForm form = decltype(constant)::form;
      make_plan<form>(space, f, k, largest, source, target, scale, power);
      error(k) = row_error(space, source);
      dual(k) = source_dual(space, f, k, source.support) + potential_sum(space, target) / scale -
                largest * mass + epsilon * (mass - plan_mass(space, source));
      transport(k) = plan_cost<form>(space, source, target, result, scale, power);
      if (g.extent(1) > 0) store_target_potential(space, target, scale, -largest, k, g);
      upper(k) = rounded_cost<form>(space, source, target, scale, power);

      // Over the supports alone: constraints between points without weight bind nobody.
      run_pass<form, PassResult::smallest>(space, target.points, source.points, gaps, gaps,
                                           transform, scale, power);
      const double first =
          product_sum<ExecutionSpace>(space, target.points.count, target.support.weight, transform);
      negate(space, target.points.count, transform);
      run_pass<form, PassResult::smallest>(space, source.points, target.points, transform,
                                           transform, result, scale, power);
      // No cost is negative.
      lower(k) = std::max(0.0, first + product_sum<ExecutionSpace>(space, source.points.count,
                                                                   source.support.weight, result));
    });
  }
  Kokkos::deep_copy(out.marginal_error, error);
  Kokkos::deep_copy(out.dual_value, dual);
  Kokkos::deep_copy(out.transport_cost, transport);
  Kokkos::deep_copy(out.upper_bound, upper);
  Kokkos::deep_copy(out.lower_bound, lower);
  space.fence();
}

template void certify<Kokkos::DefaultExecutionSpace>(
    const Kokkos::DefaultExecutionSpace&, const PointCloudCost<Kokkos::DefaultExecutionSpace>&,
    const ProblemBatch<Kokkos::DefaultExecutionSpace>&, double,
    const Matrix<const double, Kokkos::DefaultExecutionSpace>&,
    const Matrix<double, Kokkos::DefaultExecutionSpace>&,
    const Certificates<Kokkos::DefaultExecutionSpace>&);

}  // namespace otfleet::kernels

#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/operators/in_lanes/small_clouds.hpp"
#include "kernels/operators/in_passes/cloud_plan.hpp"
#include "kernels/outputs/bounds.hpp"
#include "kernels/outputs/certificate_in_passes.hpp"
#include "kernels/outputs/small_cloud_certificate.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn_in_passes.hpp"
#include "kernels/spaces.hpp"

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
/// missing [padded] (0 in the padding) becomes what the scaled sums lack, and `hidden` times the
/// weight besides.
template <class ExecutionSpace>
void scale_down(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side,
                const Vector<double, ExecutionSpace>& missing, double hidden) {
  const auto weight = side.support.weight;
  const auto potential = side.potential, shift = side.shift, sum = side.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::scale_down",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const bool too_much = sum(i) > weight(i);
        if (too_much) potential(i) += ::log2(weight(i) / sum(i));
        shift(i) = -potential(i);
        const double lack = too_much ? 0.0 : weight(i) - sum(i);
        missing(i) = lack + hidden * weight(i);
      });
}

/// missing = max(weight − sum, 0) + hidden · weight.
template <class ExecutionSpace>
void find_missing(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& side,
                  const Vector<double, ExecutionSpace>& missing, double hidden) {
  const auto weight = side.support.weight;
  const auto sum = side.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::find_missing",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, side.points.count), KOKKOS_LAMBDA(int i) {
        const double lack = weight(i) - sum(i);
        missing(i) = (lack <= 0 ? 0.0 : lack) + hidden * weight(i);  // NaN stays
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

/// The largest |x_i| that is a number.
template <class ExecutionSpace>
double largest_size(const ExecutionSpace& space, const CloudPoints<ExecutionSpace, double>& points,
                    const Vector<const double, ExecutionSpace>& x) {
  double largest = 0;
  Kokkos::parallel_reduce(
      "otfleet::clouds::largest_size", Kokkos::RangePolicy<ExecutionSpace>(space, 0, points.count),
      KOKKOS_LAMBDA(int i, double& most) {
        const double size = x(i) < 0 ? -x(i) : x(i);
        if (size > most) most = size;
      },
      Kokkos::Max<double>(largest));
  return all_max(points.communicator, largest > 0 ? largest : 0.0);
}

template <class ExecutionSpace>
double product_sum(const ExecutionSpace& space, const CloudPoints<ExecutionSpace, double>& points,
                   const Vector<const double, ExecutionSpace>& x,
                   const Vector<double, ExecutionSpace>& y) {
  return sum_terms(
      space, points, KOKKOS_LAMBDA(int i) { return x(i) * y(i); });
}

/// The sum of weight |values|.
template <class ExecutionSpace>
double size_sum(const ExecutionSpace& space, const CloudPoints<ExecutionSpace, double>& points,
                const Vector<const double, ExecutionSpace>& weight,
                const Vector<double, ExecutionSpace>& values) {
  return sum_terms(
      space, points,
      KOKKOS_LAMBDA(int i) { return weight(i) * (values(i) < 0 ? -values(i) : values(i)); });
}

template <class ExecutionSpace>
void negate(const ExecutionSpace& space, int count, const Vector<double, ExecutionSpace>& values) {
  Kokkos::parallel_for(
      "otfleet::clouds::negate", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) { values(i) = -values(i); });
}

/// <C, P> for the plan of the potentials of both sides; source.shift = −source.potential.
template <class Cost, class ExecutionSpace>
double plan_cost(const ExecutionSpace& space, const Cost& cost,
                 const PlanSide<ExecutionSpace>& source, const PlanSide<ExecutionSpace>& target,
                 const Vector<double, ExecutionSpace>& result, double scale) {
  run_pass<PassResult::costs>(space, cost, source.points, target.points, target.potential,
                              source.shift, result, scale);
  return sum_terms(
      space, source.points, KOKKOS_LAMBDA(int i) { return result(i); });
}

/// Rounds the plan to a feasible one: rows down to a, then columns down to b, then the product of
/// what is missing. Fills kept_cost, product and gap. Overwrites potentials, shifts and sums.
template <class Cost, class ExecutionSpace>
void round_plan(const ExecutionSpace& space, const Cost& cost, CloudArena<ExecutionSpace>& arena,
                const PlanSide<ExecutionSpace>& source, const PlanSide<ExecutionSpace>& target,
                double scale, PointTotals& totals) {
  const auto missing_a = padded_array(space, arena, source.points, 0);
  const auto missing_b = padded_array(space, arena, target.points, 0);
  const auto result = padded_array(space, arena, source.points, 0);
  const double hidden = widening * totals.plan_rounding;
  scale_down(space, source, missing_a, hidden);
  run_pass<PassResult::exponential>(space, cost, target.points, source.points, source.potential,
                                    target.shift, target.sum, scale);
  scale_down(space, target, missing_b, hidden);
  run_pass<PassResult::exponential>(space, cost, source.points, target.points, target.potential,
                                    source.shift, source.sum, scale);
  find_missing(space, source, missing_a, hidden);
  totals.kept_cost = plan_cost(space, cost, source, target, result, scale);
  run_pass<PassResult::product>(space, cost, source.points, target.points, missing_b, missing_b,
                                result, scale);
  totals.product = product_sum<ExecutionSpace>(space, source.points, missing_a, result);
  totals.gap = sum_terms(
      space, source.points, KOKKOS_LAMBDA(int i) { return missing_a(i); });
}

template <class ExecutionSpace>
void certify_problems(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
                      double epsilon, const ProblemRows<const double>& f,
                      const ProblemRows<double>& g, const Certificates<ExecutionSpace>& out) {
  if (out.dual_value.extent(0) != static_cast<std::size_t>(batch.size()))
    throw std::invalid_argument("certificates do not have one entry for each problem");
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const double scale = 1 / (epsilon * std::log(2.0));
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
    with_cost(batch, [&](const auto& cost) {
      make_plan(space, cost, row, largest, source, target, scale);
      error(k) = row_error(space, source);
      // What was taken off every cost is part of g and of every figure.
      dual(k) = dual_value(space, row, largest, problem.mass, epsilon, source, target) +
                problem.mass * batch.taken_off;
      transport(k) = problem.mass * (plan_cost(space, cost, source, target, result, scale) +
                                     batch.taken_off * plan_mass(space, source));
      if (g.data)
        store_target_potential(space, target, scale, largest - batch.taken_off, problem.mass,
                               problem.target_row(g));
      PointTotals totals{};
      totals.terms = 2 * problem.points;
      totals.plan_rounding =
          plan_rounding(totals.terms, source.points.dimension,
                        largest_size<ExecutionSpace>(space, source.points, source.potential) +
                            largest_size<ExecutionSpace>(space, target.points, target.potential));
      totals.bound = problem.bound;
      totals.cost_rounding = problem.rounding;
      round_plan(space, cost, arena, source, target, scale, totals);

      // Over the supports alone: constraints between points without weight bind nobody.
      run_pass<PassResult::smallest>(space, cost, target.points, source.points, gaps, gaps,
                                     transform, scale);
      totals.first =
          product_sum<ExecutionSpace>(space, target.points, target.support.weight, transform);
      totals.largest = largest_size<ExecutionSpace>(space, target.points, transform);
      negate(space, target.points.count, transform);
      run_pass<PassResult::smallest>(space, cost, source.points, target.points, transform,
                                     transform, result, scale);
      totals.second =
          product_sum<ExecutionSpace>(space, source.points, source.support.weight, result);
      totals.size = size_sum<ExecutionSpace>(space, source.points, source.support.weight, result);
      const PointBounds bounds = bound_points(totals);
      const double hidden = sum_rounding(totals.terms) * std::abs(batch.taken_off);
      upper(k) = problem.mass * (bounds.upper + (batch.taken_off + hidden));
      lower(k) = problem.mass * (bounds.lower + (batch.taken_off - hidden));
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
void certify_in_passes(const ExecutionSpace& space, const SeparableCost& cost,
                       const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                       const Matrix<const double, ExecutionSpace>& f,
                       const Matrix<double, ExecutionSpace>& g,
                       const Certificates<ExecutionSpace>& out) {
  certify_problems(space, make_cloud_problems<ExecutionSpace>(cost, problems), epsilon,
                   rows_of_matrix(f), g.extent(1) > 0 ? rows_of_matrix(g) : ProblemRows<double>(),
                   out);
}

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& out) {
  const auto batch = make_cloud_problems(cost, problems, epsilon);
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  if (g.extent(1) > 0) check_rows("g", g, batch.size(), cost.m());
  certify_problems(space, batch, epsilon, rows_of_matrix(f),
                   g.extent(1) > 0 ? rows_of_matrix(g) : ProblemRows<double>(), out);
}

template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
             double epsilon, const Vector<const double, ExecutionSpace>& f,
             const Vector<double, ExecutionSpace>& g, const Certificates<ExecutionSpace>& out) {
  auto batch = make_cloud_problems(problems, epsilon);
  if (batch.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto rows = flat_rows("f", f, sources);
  const bool wants_g = g.extent(0) > 0;
  const auto target_rows = wants_g ? flat_rows("g", g, targets) : ProblemRows<double>();
  const auto small = take_small_problems(batch, sources, targets);
  certify_problems(space, batch, epsilon, rows, target_rows, out);
  certify_small_clouds(space, small, batch.ground_cost, epsilon, f.data(),
                       wants_g ? g.data() : nullptr, out);
}

#define OTFLEET_INSTANTIATE(Space)                                                               \
  template void certify_in_passes<Space>(                                                        \
      const Space&, const SeparableCost&, const ProblemBatch<Space>&, double,                    \
      const Matrix<const double, Space>&, const Matrix<double, Space>&,                          \
      const Certificates<Space>&);                                                               \
  template void certify<Space>(const Space&, const PointCloudCost<Space>&,                       \
                               const ProblemBatch<Space>&, double,                               \
                               const Matrix<const double, Space>&, const Matrix<double, Space>&, \
                               const Certificates<Space>&);                                      \
  template void certify<Space>(const Space&, const CloudBatch<Space>&, double,                   \
                               const Vector<const double, Space>&, const Vector<double, Space>&, \
                               const Certificates<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

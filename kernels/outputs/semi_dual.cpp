#include "kernels/outputs/semi_dual.hpp"

#include <stdexcept>

#include "kernels/operators/for_each_operator.hpp"
#include "kernels/operators/problem_scales.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// What is summed over the points of a problem; weights are shares of the mass.
enum Total {
  target_dual,  ///< of b times the logarithms of exp(g/epsilon)
  source_gap,   ///< of a (max f − f)
  missing,      ///< of a − P1
  totals
};

constexpr OperatorUse semi_dual_use{4, false};

template <class Operator>
void evaluate_group(Operator& plan, const ProblemRows<const double>& f,
                    const ProblemRows<double>& gradient) {
  using Place = typename Operator::Place;
  using Pack = typename Operator::Pack;
  const auto a = plan.weights(Side::source), b = plan.weights(Side::target);
  const auto gaps = plan.field(Side::source), slope = plan.field(Side::source);
  const auto exponents = plan.field(Side::target);
  const auto mass = plan.mass();
  plan.load(Side::source, f, gaps);
  plan.fit(Side::target);
  plan.exponents(Side::target, exponents);
  plan.template sum<1>(
      "otfleet::semi_dual::target_dual", Side::target, target_dual,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[1]) {
        sum[0] = sum[0] + b.load(at) * exponents.load(at);
      });
  plan.rows(Side::source, slope);
  plan.template sum<2>(
      "otfleet::semi_dual::gradient", Side::source, source_gap,
      KOKKOS_LAMBDA(const Place& at, Pack(&sum)[2]) {
        const Pack weight = a.load(at), none(0.0);
        const Pack lack = weight - slope.load(at);
        sum[0] = sum[0] + if_greater(weight, none, weight * gaps.load(at), none);
        sum[1] = sum[1] + if_greater(weight, none, lack, none);
        slope.store(at, mass.load(at) * lack);
      });
  plan.store_field(Side::source, slope, gradient);
}

template <class Batch, class ExecutionSpace>
void evaluate(const ExecutionSpace& space, const Batch& batch, double epsilon,
              const ProblemRows<const double>& f, const Vector<double, ExecutionSpace>& value,
              const ProblemRows<double>& gradient) {
  if (value.extent(0) != static_cast<std::size_t>(batch.size()))
    throw std::invalid_argument("value does not have one entry for each problem");
  const Matrix<double, ExecutionSpace> found("otfleet::semi_dual::totals", batch.size(), totals);
  for_each_operator(space, batch, epsilon, semi_dual_use, found,
                    [&](auto& plan) { evaluate_group(plan, f, gradient); });
  const auto scales = device_scales(space, batch);
  Kokkos::parallel_for(
      "otfleet::semi_dual::values", Kokkos::RangePolicy<ExecutionSpace>(space, 0, batch.size()),
      KOKKOS_LAMBDA(int k) {
        const ProblemScale& scale = scales(k);
        const double mass = scale.source_mass;
        value(k) = mass * (epsilon * (found(k, target_dual) + ::log(mass) + found(k, missing)) -
                           found(k, source_gap) + scale.minimum);
      });
}

}  // namespace

template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const SeparableCost& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient) {
  check_batch(space, cost, problems, epsilon);
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  check_rows("gradient", gradient, problems.size(), cost.n());
  with_operators(space, cost, problems, epsilon, [&](const auto& batch) {
    Kokkos::deep_copy(space, gradient, 0.0);
    evaluate(space, batch, epsilon, rows_of_matrix(f), value, rows_of_matrix(gradient));
  });
}

template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient) {
  const CloudForms<ExecutionSpace> batch{make_cloud_problems(cost, problems, epsilon), {}};
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  check_rows("gradient", gradient, batch.size(), cost.n());
  Kokkos::deep_copy(space, gradient, 0.0);
  evaluate(space, batch, epsilon, rows_of_matrix(f), value, rows_of_matrix(gradient));
}

template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
               double epsilon, const Vector<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Vector<double, ExecutionSpace>& gradient) {
  auto made = make_cloud_problems(problems, epsilon);
  if (made.size() == 0) return;
  const auto sources = problems.source_offsets(), targets = problems.target_offsets();
  const auto batch = choose_forms(std::move(made), sources, targets);
  const auto rows = flat_rows("f", f, sources);
  Kokkos::deep_copy(space, gradient, 0.0);
  evaluate(space, batch, epsilon, rows, value, flat_rows("gradient", gradient, sources));
}

#define OTFLEET_INSTANTIATE(Space)                                                                 \
  template void semi_dual<Space>(const Space&, const SeparableCost&, const ProblemBatch<Space>&,   \
                                 double, const Matrix<const double, Space>&,                       \
                                 const Vector<double, Space>&, const Matrix<double, Space>&);      \
  template void semi_dual<Space>(const Space&, const PointCloudCost<Space>&,                       \
                                 const ProblemBatch<Space>&, double,                               \
                                 const Matrix<const double, Space>&, const Vector<double, Space>&, \
                                 const Matrix<double, Space>&);                                    \
  template void semi_dual<Space>(const Space&, const CloudBatch<Space>&, double,                   \
                                 const Vector<const double, Space>&, const Vector<double, Space>&, \
                                 const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

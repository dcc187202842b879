#include <cmath>
#include <stdexcept>

#include "kernels/operators/in_passes/cloud_plan.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// A row of the gradient, mass times a − P1 on the support, 0 elsewhere.
template <class ExecutionSpace>
void store_gradient(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& source,
                    double mass, const Vector<double, ExecutionSpace>& gradient) {
  const auto index = source.support.index;
  const auto weight = source.support.weight;
  const auto sum = source.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::clear_gradient",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(gradient.extent(0))),
      KOKKOS_LAMBDA(int i) { gradient(i) = 0; });
  Kokkos::parallel_for(
      "otfleet::clouds::store_gradient",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, source.points.count),
      KOKKOS_LAMBDA(int i) { gradient(index(i)) = mass * (weight(i) - sum(i)); });
}

template <class ExecutionSpace>
void evaluate(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
              double epsilon, const ProblemRows<const double>& f,
              const Vector<double, ExecutionSpace>& value, const ProblemRows<double>& gradient) {
  if (value.extent(0) != static_cast<std::size_t>(batch.size()))
    throw std::invalid_argument("value does not have one entry for each problem");
  const double scale = 1 / (epsilon * std::log(2.0));
  const auto values = Kokkos::create_mirror_view(value);
  for_each_cloud_problem<double>(space, batch, 1.0, [&](const auto& problem) {
    const auto row = problem.source_row(f);
    const auto source = make_plan_side(space, *problem.arena, problem.source);
    const auto target = make_plan_side(space, *problem.arena, problem.target);
    const double largest = largest_potential(space, row, source);
    with_ground_cost(batch.ground_cost, [&](const auto& cost) {
      make_plan(space, cost, row, largest, source, target, scale);
    });
    store_gradient(space, source, problem.mass, problem.source_row(gradient));
    values(problem.k) = dual_value(space, row, largest, problem.mass, epsilon, source, target);
  });
  Kokkos::deep_copy(value, values);
}

}  // namespace

template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient) {
  const auto batch = make_cloud_problems(cost, problems, epsilon);
  if (batch.size() == 0) return;
  check_rows("f", f, batch.size(), cost.n());
  check_rows("gradient", gradient, batch.size(), cost.n());
  evaluate(space, batch, epsilon, rows_of_matrix(f), value, rows_of_matrix(gradient));
}

template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
               double epsilon, const Vector<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Vector<double, ExecutionSpace>& gradient) {
  const auto batch = make_cloud_problems(problems, epsilon);
  if (batch.size() == 0) return;
  const auto sources = problems.source_offsets();
  evaluate(space, batch, epsilon, flat_rows("f", f, sources), value,
           flat_rows("gradient", gradient, sources));
}

#define OTFLEET_INSTANTIATE(Space)                                                                 \
  template void semi_dual<Space>(const Space&, const PointCloudCost<Space>&,                       \
                                 const ProblemBatch<Space>&, double,                               \
                                 const Matrix<const double, Space>&, const Vector<double, Space>&, \
                                 const Matrix<double, Space>&);                                    \
  template void semi_dual<Space>(const Space&, const CloudBatch<Space>&, double,                   \
                                 const Vector<const double, Space>&, const Vector<double, Space>&, \
                                 const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include <cmath>
#include <stdexcept>

#include "kernels/clouds/cloud_plan.hpp"
#include "kernels/clouds/cloud_solver.hpp"

namespace otfleet::kernels {
namespace {

/// Row k of gradient = a − P1 on the support, 0 elsewhere.
template <class ExecutionSpace>
void store_gradient(const ExecutionSpace& space, const PlanSide<ExecutionSpace>& source, int k,
                    const Matrix<double, ExecutionSpace>& gradient) {
  const auto index = source.support.index;
  const auto weight = source.support.weight;
  const auto sum = source.sum;
  Kokkos::parallel_for(
      "otfleet::clouds::clear_gradient",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(gradient.extent(1))),
      KOKKOS_LAMBDA(int i) { gradient(k, i) = 0; });
  Kokkos::parallel_for(
      "otfleet::clouds::store_gradient",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, source.points.count),
      KOKKOS_LAMBDA(int i) { gradient(k, index(i)) = weight(i) - sum(i); });
}

}  // namespace

template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the clouds have");
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  check_rows("gradient", gradient, problems.size(), cost.n());
  if (value.extent(0) != static_cast<std::size_t>(problems.size()))
    throw std::invalid_argument("value does not have one entry for each problem");
  const double scale = 1 / (epsilon * std::log(2.0));
  const HostIndices indices = host_indices(problems);
  const auto source_mass =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.source.mass);
  const auto target_mass =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.target.mass);
  CloudCache<double, ExecutionSpace> sources(cost.x(), 1.0), targets(cost.y(), 1.0);
  const auto values = Kokkos::create_mirror_view(value);
  for (int k = 0; k < problems.size(); ++k) {
    const int from = indices.source(k), to = indices.target(k);
    const double mass = source_mass(from);
    const auto source =
        make_plan_side(space, sources, find_support(space, problems.source, from, 1.0));
    const auto target = make_plan_side(
        space, targets, find_support(space, problems.target, to, mass / target_mass(to)));
    const double largest = largest_potential(space, f, k, source.support);
    with_cost_form(cost.kind(), [&](auto constant) {
      make_plan<decltype(constant)::form>(space, f, k, largest, source, target, scale,
                                          cost.power());
    });
    store_gradient(space, source, k, gradient);
    values(k) = source_dual(space, f, k, source.support) + potential_sum(space, target) / scale -
                largest * mass + epsilon * (mass - plan_mass(space, source));
  }
  Kokkos::deep_copy(value, values);
  space.fence();
}

template void semi_dual<Kokkos::DefaultExecutionSpace>(
    const Kokkos::DefaultExecutionSpace&, const PointCloudCost<Kokkos::DefaultExecutionSpace>&,
    const ProblemBatch<Kokkos::DefaultExecutionSpace>&, double,
    const Matrix<const double, Kokkos::DefaultExecutionSpace>&,
    const Vector<double, Kokkos::DefaultExecutionSpace>&,
    const Matrix<double, Kokkos::DefaultExecutionSpace>&);

}  // namespace otfleet::kernels

#include <cmath>

#include "kernels/clouds/cloud_plan.hpp"
#include "kernels/clouds/cloud_solver.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the clouds have");
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), cost.n());
  check_rows("g", g, problems.size(), cost.m());
  const double scale = 1 / (epsilon * std::log(2.0));
  const HostIndices indices = host_indices(problems);
  const auto source_mass =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.source.mass);
  const auto target_mass =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.target.mass);
  CloudCache<double, ExecutionSpace> sources(cost.x(), 1.0), targets(cost.y(), 1.0);
  for (int k = 0; k < problems.size(); ++k) {
    const int from = indices.source(k), to = indices.target(k);
    const auto source =
        make_plan_side(space, sources, find_support(space, problems.source, from, 1.0));
    const auto target = make_plan_side(
        space, targets,
        find_support(space, problems.target, to, source_mass(from) / target_mass(to)));
    const double largest = largest_potential(space, f, k, source.support);
    with_cost_form(cost.kind(), [&](auto constant) {
      fit_target<decltype(constant)::form>(space, f, k, largest, source, target, scale,
                                           cost.power());
    });
    store_target_potential(space, target, scale, -largest, k, g);
  }
  space.fence();
}

template void soft_c_transform<Kokkos::DefaultExecutionSpace>(
    const Kokkos::DefaultExecutionSpace&, const PointCloudCost<Kokkos::DefaultExecutionSpace>&,
    const ProblemBatch<Kokkos::DefaultExecutionSpace>&, double,
    const Matrix<const double, Kokkos::DefaultExecutionSpace>&,
    const Matrix<double, Kokkos::DefaultExecutionSpace>&);

}  // namespace otfleet::kernels

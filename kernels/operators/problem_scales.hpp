#pragma once
#include <vector>

#include "kernels/host_values.hpp"
#include "kernels/operators/for_each_operator.hpp"

namespace otfleet::kernels {

/// What operators leave out, and how large what they keep can be: weights are shares of these
/// masses, costs are less this minimum and then at most the range.
struct ProblemScale {
  double source_mass, target_mass;
  double minimum, range;
};

/// Of every problem, on the device; for grids nothing goes through the host.
template <class ExecutionSpace>
Vector<ProblemScale, ExecutionSpace> device_scales(const ExecutionSpace& space,
                                                   const GridProblems<ExecutionSpace>& batch) {
  const Vector<ProblemScale, ExecutionSpace> all(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::operators::scales"), batch.size());
  const auto problems = batch.problems;
  const double minimum = batch.cost.minimum(), range = batch.cost.range();
  Kokkos::parallel_for(
      "otfleet::operators::scales", Kokkos::RangePolicy<ExecutionSpace>(space, 0, batch.size()),
      KOKKOS_LAMBDA(int k) {
        all(k) = {problems.source.mass(problems.source_index(k)),
                  problems.target.mass(problems.target_index(k)), minimum, range};
      });
  return all;
}
template <class ExecutionSpace>
std::vector<ProblemScale> scales_of(const GridProblems<ExecutionSpace>& batch) {
  const auto all = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(),
                                                       device_scales(ExecutionSpace(), batch));
  return {all.data(), all.data() + all.extent(0)};
}
template <class ExecutionSpace>
std::vector<ProblemScale> scales_of(const CloudForms<ExecutionSpace>& batch) {
  const auto& problems = batch.problems;
  std::vector<ProblemScale> all;
  for (int k = 0; k < problems.size(); ++k)
    all.push_back({problems.source.mass[problems.source.index[k]],
                   problems.target.mass[problems.target.index[k]], problems.taken_off(k),
                   problems.bound_of(k)});
  return all;
}

template <class ExecutionSpace>
Vector<ProblemScale, ExecutionSpace> device_scales(const ExecutionSpace&,
                                                   const CloudForms<ExecutionSpace>& batch) {
  return copy_to_device<ExecutionSpace>("otfleet::operators::scales", scales_of(batch));
}

}  // namespace otfleet::kernels

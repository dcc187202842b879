#include "kernels/problems/selection.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class ExecutionSpace>
Vector<int, ExecutionSpace> chosen(const ExecutionSpace& space,
                                   const Vector<const int, ExecutionSpace>& which,
                                   const Vector<const int, ExecutionSpace>& all) {
  const Vector<int, ExecutionSpace> some("otfleet::sinkhorn::selection", which.extent(0));
  Kokkos::parallel_for(
      "otfleet::sinkhorn::select",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(which.extent(0))),
      KOKKOS_LAMBDA(int s) { some(s) = all(which(s)); });
  return some;
}

}  // namespace

template <class ExecutionSpace>
ProblemBatch<ExecutionSpace> select(const ExecutionSpace& space,
                                    const ProblemBatch<ExecutionSpace>& problems,
                                    const Vector<const int, ExecutionSpace>& which) {
  return {problems.source, problems.target, chosen(space, which, problems.source_index),
          chosen(space, which, problems.target_index), problems.indices_checked};
}

#define OTFLEET_INSTANTIATE(Space)                                                     \
  template ProblemBatch<Space> select<Space>(const Space&, const ProblemBatch<Space>&, \
                                             const Vector<const int, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

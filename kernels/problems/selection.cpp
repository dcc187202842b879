#include "kernels/problems/selection.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

template <class ExecutionSpace>
using RowRange = Kokkos::MDRangePolicy<ExecutionSpace, Kokkos::Rank<2>, Kokkos::IndexType<int>>;

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
          chosen(space, which, problems.target_index)};
}

template <class ExecutionSpace>
void gather_rows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                 const Matrix<const double, ExecutionSpace>& all,
                 const Matrix<double, ExecutionSpace>& some) {
  Kokkos::parallel_for(
      "otfleet::sinkhorn::gather_rows",
      RowRange<ExecutionSpace>(
          space, {0, 0}, {static_cast<int>(some.extent(0)), static_cast<int>(some.extent(1))}),
      KOKKOS_LAMBDA(int s, int i) { some(s, i) = all(which(s), i); });
  space.fence();
}

template <class ExecutionSpace>
void scatter_rows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& which,
                  const Matrix<const double, ExecutionSpace>& some,
                  const Matrix<double, ExecutionSpace>& all) {
  Kokkos::parallel_for(
      "otfleet::sinkhorn::scatter_rows",
      RowRange<ExecutionSpace>(
          space, {0, 0}, {static_cast<int>(some.extent(0)), static_cast<int>(some.extent(1))}),
      KOKKOS_LAMBDA(int s, int i) { all(which(s), i) = some(s, i); });
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                     \
  template ProblemBatch<Space> select<Space>(const Space&, const ProblemBatch<Space>&, \
                                             const Vector<const int, Space>&);         \
  template void gather_rows<Space>(const Space&, const Vector<const int, Space>&,      \
                                   const Matrix<const double, Space>&,                 \
                                   const Matrix<double, Space>&);                      \
  template void scatter_rows<Space>(const Space&, const Vector<const int, Space>&,     \
                                    const Matrix<const double, Space>&,                \
                                    const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/training/nonnegative.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void clamp_to_nonnegative(const ExecutionSpace& space,
                          const Vector<float, ExecutionSpace>& values) {
  float* const data = values.data();
  Kokkos::parallel_for(
      "otfleet::training::clamp_to_nonnegative",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(
          space, 0, static_cast<long>(values.extent(0))),
      KOKKOS_LAMBDA(long i) { data[i] = data[i] < 0 ? 0 : data[i]; });
}

#define OTFLEET_INSTANTIATE(Space) \
  template void clamp_to_nonnegative<Space>(const Space&, const Vector<float, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#pragma once
#include <Kokkos_Core.hpp>

#include <type_traits>

// The one place that knows what differs between Kokkos 3.4 (Debian) and 4.x. What differs between
// processors is in backend.hpp.

namespace otfleet::kernels {

/// Whether its memory is the host's. Kernels ask Backend what they want to know instead.
template <class ExecutionSpace>
inline constexpr bool runs_on_host =
    Kokkos::SpaceAccessibility<Kokkos::DefaultHostExecutionSpace,
                               typename ExecutionSpace::memory_space>::accessible&&
        std::is_same_v<typename ExecutionSpace::memory_space, Kokkos::HostSpace>;

template <class ExecutionSpace>
using Policy = Kokkos::TeamPolicy<ExecutionSpace>;

template <class ExecutionSpace>
using Team = typename Policy<ExecutionSpace>::member_type;

/// Row-major arrays, the layout of files and tensors.
template <class Value, class ExecutionSpace>
using Matrix = Kokkos::View<Value**, Kokkos::LayoutRight, typename ExecutionSpace::memory_space>;

template <class Value, class ExecutionSpace>
using Vector = Kokkos::View<Value*, typename ExecutionSpace::memory_space>;

/// One number of an array: reductions into it do not wait, as those into numbers of the host do.
template <class ExecutionSpace>
using Number = Kokkos::View<double, typename ExecutionSpace::memory_space,
                            Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
template <class ExecutionSpace>
Number<ExecutionSpace> number_at(const Vector<double, ExecutionSpace>& numbers, int index) {
  return Number<ExecutionSpace>(numbers.data() + index);
}

}  // namespace otfleet::kernels

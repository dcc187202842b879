#pragma once
#include <Kokkos_Core.hpp>

#include <type_traits>

// The one place that knows what differs between Kokkos 3.4 (Debian) and 4.x, and between host and
// device back ends.

namespace otfleet::kernels {

template <class ExecutionSpace>
inline constexpr bool runs_on_host =
    Kokkos::SpaceAccessibility<Kokkos::DefaultHostExecutionSpace,
                               typename ExecutionSpace::memory_space>::accessible&&
        std::is_same_v<typename ExecutionSpace::memory_space, Kokkos::HostSpace>;

template <class ExecutionSpace>
using Policy = Kokkos::TeamPolicy<ExecutionSpace>;

template <class ExecutionSpace>
using Team = typename Policy<ExecutionSpace>::member_type;

/// Threads of a team that share a tile: one on a CPU, where a tile fits a core's cache.
template <class ExecutionSpace>
inline constexpr int team_threads = runs_on_host<ExecutionSpace> ? 1 : 8;

/// Teams that can run at the same time; workspaces are allocated per team.
template <class ExecutionSpace>
int concurrent_teams(const ExecutionSpace& space) {
  // On a device concurrency() counts resident threads; a team has team_threads × 32 of them.
  const int threads = runs_on_host<ExecutionSpace> ? 1 : team_threads<ExecutionSpace> * 32;
  const int teams = static_cast<int>(space.concurrency()) / threads;
  return teams > 0 ? teams : 1;
}

/// Row-major arrays, the layout of files and tensors.
template <class Value, class ExecutionSpace>
using Matrix = Kokkos::View<Value**, Kokkos::LayoutRight, typename ExecutionSpace::memory_space>;

template <class Value, class ExecutionSpace>
using Vector = Kokkos::View<Value*, typename ExecutionSpace::memory_space>;

}  // namespace otfleet::kernels

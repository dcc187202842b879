#pragma once
#include <algorithm>
#include <string>

#include "kernels/backend.hpp"
#include "kernels/operators/in_lanes/domain.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/problems/problem_batch.hpp"

// What every kernel over tiles of instances shares: its memory, its launch.

namespace otfleet::kernels {

template <class Domain, class TeamMember, class Memory>
KOKKOS_INLINE_FUNCTION typename Domain::Memory team_tile(const TeamMember& team,
                                                         const Memory& memory, int arrays,
                                                         long rows) {
  return {memory.data() + team.league_rank() * rows * Domain::L::width * Domain::planes * arrays,
          rows};
}

/// Allocates the kernel's memory (Kernel::arrays tile arrays of `rows` rows a team) and launches as
/// many teams as can run at once and have work.
template <class Kernel, class ExecutionSpace>
void launch_tiles(const ExecutionSpace& space, const std::string& label, Kernel& kernel, int batch,
                  int rows) {
  using L = typename Kernel::Domain::L;
  const int tiles = (batch + L::width - 1) / L::width;
  const int teams = std::min(tiles, concurrent_teams(space));
  kernel.rows = rows;
  kernel.memory = Vector<typename Kernel::Domain::Scalar, ExecutionSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::sinkhorn::tiles"),
      static_cast<std::size_t>(teams) * Kernel::arrays * rows * L::width * Kernel::Domain::planes);
  // Lanes that never held an instance still take part in the arithmetic.
  Kokkos::deep_copy(space, kernel.memory, typename Kernel::Domain::Scalar(0));
  constexpr int threads = Backend<ExecutionSpace>::team_size;
  Policy<ExecutionSpace> policy(space, teams, threads, L::packs);
  policy.set_scratch_size(0, Kokkos::PerTeam(static_cast<int>(Kernel::scratch_bytes(threads))));
  Kokkos::parallel_for(label, policy, kernel);
  space.fence();
}

}  // namespace otfleet::kernels

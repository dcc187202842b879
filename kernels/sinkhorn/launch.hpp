#pragma once
#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/sinkhorn/checks.hpp"
#include "kernels/sinkhorn/domain.hpp"
#include "kernels/sinkhorn/problem_batch.hpp"

// What every kernel over tiles of instances shares: its checks, its memory, its launch.

namespace otfleet::kernels {

/// Throws std::invalid_argument when problems name measures that do not exist.
template <class ExecutionSpace>
void check_indices(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems) {
  const int sources = problems.source.count(), targets = problems.target.count();
  const auto source = problems.source_index, target = problems.target_index;
  int wrong = 0;
  Kokkos::parallel_reduce(
      "otfleet::sinkhorn::check_indices",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()),
      KOKKOS_LAMBDA(int k, int& sum) {
        sum += source(k) < 0 || source(k) >= sources || target(k) < 0 || target(k) >= targets;
      },
      wrong);
  if (wrong > 0)
    throw std::invalid_argument(std::to_string(wrong) +
                                " problems name measures that do not exist");
}

/// Throws std::invalid_argument when measures, indices and cost do not fit together.
template <class ExecutionSpace>
void check_batch(const ExecutionSpace& space, const SeparableCost& cost,
                 const ProblemBatch<ExecutionSpace>& problems, double epsilon) {
  check_measures(cost.n(), cost.m(), problems, epsilon, "the cost has");
  check_exponents("", cost.range(), epsilon);
  if (problems.size() > 0) check_indices(space, problems);
}

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
  constexpr int threads = team_threads<ExecutionSpace>;
  Policy<ExecutionSpace> policy(space, teams, threads, L::packs);
  policy.set_scratch_size(0, Kokkos::PerTeam(static_cast<int>(Kernel::scratch_bytes(threads))));
  Kokkos::parallel_for(label, policy, kernel);
  space.fence();
}

}  // namespace otfleet::kernels

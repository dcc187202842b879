#include "kernels/initializers/output_grid.hpp"

#include "kernels/backend.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Scratch memory beyond this is taken from the device's main memory.
constexpr std::size_t most_fast_scratch = 32 << 10;

/// The points of one axis between their neighbors; a function of its own, so that GCC knows that
/// the arrays do not overlap.
template <class Member>
KOKKOS_INLINE_FUNCTION void interpolate_row(const Member& team, const float* KOKKOS_RESTRICT from,
                                            const int* KOKKOS_RESTRICT below,
                                            const int* KOKKOS_RESTRICT above,
                                            const float* KOKKOS_RESTRICT share, int length,
                                            float* KOKKOS_RESTRICT to) {
  Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, length), [&](int i) {
    const float low = from[below[i]];
    to[i] = low + share[i] * (from[above[i]] - low);
  });
}

}  // namespace

template <class ExecutionSpace>
void interpolate_output(const ExecutionSpace& space, const OutputGrid<ExecutionSpace>& grid,
                        const Matrix<const float, ExecutionSpace>& output,
                        const Matrix<float, ExecutionSpace>& phi) {
  const int batch = static_cast<int>(phi.extent(0));
  if (batch == 0) return;
  const int across[2] = {grid.fine[1], grid.coarse[1]};
  const int rows = grid.coarse[0] * grid.coarse[1], coarse_length = grid.coarse[2];
  const int fine_rows = grid.fine[0] * grid.fine[1], length = grid.fine[2];
  check_rows("output", output, batch, rows * coarse_length);
  check_rows("phi", phi, batch, fine_rows * length);
  const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(rows) * length;
  const int level = bytes > most_fast_scratch ? 1 : 0;
  Policy<ExecutionSpace> policy(space, batch, Backend<ExecutionSpace>::team_size, 1);
  policy.set_scratch_size(level, Kokkos::PerTeam(static_cast<int>(bytes) + 64));
  const int second = grid.fine[0], third = second + grid.fine[1];  // where an axis begins
  Kokkos::parallel_for(
      "otfleet::initializers::interpolate_output", policy,
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        float* const along_last =
            static_cast<float*>(team.team_scratch(level).get_shmem_aligned(bytes, 64));
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, rows), [&](int row) {
          interpolate_row(team, &output(k, row * coarse_length), &grid.below(third),
                          &grid.above(third), &grid.share(third), length,
                          along_last + row * length);
        });
        team.team_barrier();
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, fine_rows), [&](int row) {
          const int i = row / across[0], j = second + row % across[0];
          const float right = grid.share(j), lower = grid.share(i);
          const auto part = [&](int first, int next) {
            return along_last + (first * across[1] + next) * length;
          };
          const float* const parts[4] = {
              part(grid.below(i), grid.below(j)), part(grid.below(i), grid.above(j)),
              part(grid.above(i), grid.below(j)), part(grid.above(i), grid.above(j))};
          float* const to = &phi(k, row * length);
          Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, length), [&](int at) {
            const float top = parts[0][at] + right * (parts[1][at] - parts[0][at]);
            const float bottom = parts[2][at] + right * (parts[3][at] - parts[2][at]);
            to[at] = top + lower * (bottom - top);
          });
        });
      });
}

#define OTFLEET_INSTANTIATE(Space)                                                \
  template void interpolate_output<Space>(const Space&, const OutputGrid<Space>&, \
                                          const Matrix<const float, Space>&,      \
                                          const Matrix<float, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

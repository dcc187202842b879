#include "kernels/initializers/network_inputs.hpp"

#include "kernels/backend.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void network_inputs(const ExecutionSpace& space,
                    const Matrix<const double, ExecutionSpace>& weights,
                    const Vector<const int, ExecutionSpace>& index,
                    const PointBlocks<ExecutionSpace>& blocks,
                    const Matrix<float, ExecutionSpace>& inputs) {
  const int n = static_cast<int>(weights.extent(1)), count = blocks.count();
  const auto points = blocks.points, begin = blocks.begin;
  Kokkos::parallel_for(
      "otfleet::initializers::network_inputs",
      Policy<ExecutionSpace>(space, static_cast<int>(inputs.extent(0)),
                             Backend<ExecutionSpace>::team_size),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int row = team.league_rank();
        const double* const weight = &weights(index(row), 0);
        double mass = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n), [&](int i, double& part) { part += weight[i]; },
            mass);
        const double scale = 0.25 * count / mass;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count), [&](int block) {
          double sum = 0;
          for (int at = begin(block); at < begin(block + 1); ++at) sum += weight[points(at)];
          inputs(row, block) = static_cast<float>(sum * scale);
        });
      });
}

#define OTFLEET_INSTANTIATE(Space)                                                                \
  template void network_inputs<Space>(const Space&, const Matrix<const double, Space>&,           \
                                      const Vector<const int, Space>&, const PointBlocks<Space>&, \
                                      const Matrix<float, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/problems/status_counts.hpp"

#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void add_statuses(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& status,
                  const Vector<std::int64_t, ExecutionSpace>& counts) {
  const int problems = static_cast<int>(status.extent(0));
  Kokkos::parallel_for(
      "otfleet::problems::add_statuses", team_each(space, static_cast<int>(counts.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int kind = team.league_rank();
        const int found = team_count(team, problems, [&](int k) { return status(k) == kind; });
        Kokkos::single(Kokkos::PerTeam(team), [&]() { counts(kind) += found; });
      });
}

#define OTFLEET_INSTANTIATE(Space)                                                 \
  template void add_statuses<Space>(const Space&, const Vector<const int, Space>&, \
                                    const Vector<std::int64_t, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

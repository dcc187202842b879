#include "kernels/problems/pair_draws.hpp"

#include <cstdint>

#include "kernels/problems/problem_batch.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void draw_pairs(const ExecutionSpace& space, const PairSource<ExecutionSpace>& from,
                long first_sample, const Matrix<double, ExecutionSpace>& a,
                const Matrix<double, ExecutionSpace>& b) {
  Kokkos::parallel_for(
      "otfleet::problems::draw_pairs", team_each(space, 2 * static_cast<int>(a.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int row = team.league_rank() / 2, side = team.league_rank() % 2;
        const auto sample = static_cast<std::uint64_t>(first_sample + row);
        const auto choice =
            from.problem_numbers.below(static_cast<std::uint64_t>(from.count), sample);
        const long problem = from.first + static_cast<long>(choice);
        const auto& measures = side == 0 ? from.source : from.target;
        const int measure = side == 0 ? from.source_index(problem) : from.target_index(problem);
        // One offset in the row-major array moves along all axes: the support stays inside.
        long offset = 0;
        for (int axis = 0; axis < 3 && measures.shifts.extent(0) > 0; ++axis) {
          const int least = measures.shifts(measure, axis),
                    most = measures.shifts(measure, 3 + axis);
          const std::uint64_t counter = (2 * sample + side) * 3 + axis;
          const auto up =
              from.shift_numbers.below(static_cast<std::uint64_t>(most - least + 1), counter);
          offset = offset * from.shape[axis] + least + static_cast<int>(up);
        }
        const auto& to = side == 0 ? a : b;
        const int points = static_cast<int>(to.extent(1));
        const double mass = measures.mass(measure);
        team_for(team, points, [&](int i) {
          const long at = i - offset;
          const double weight = at >= 0 && at < points ? measures.weights(measure, at) : 0.0;
          to(row, i) = weight > 0 ? share_of_mass(weight, mass) : 0.0;
        });
      });
}

#define OTFLEET_INSTANTIATE(Space)                                              \
  template void draw_pairs<Space>(const Space&, const PairSource<Space>&, long, \
                                  const Matrix<double, Space>&, const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

#include "kernels/problems/supports.hpp"

#include <cstdint>
#include <limits>

#include "kernels/problems/sort_order.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {

/// Of points on three axes, none at first.
struct Bounds {
  static constexpr int none = std::numeric_limits<int>::max();
  int begin[3] = {none, none, none}, end[3] = {0, 0, 0};

  KOKKOS_INLINE_FUNCTION Bounds& operator+=(const Bounds& other) {
    for (int axis = 0; axis < 3; ++axis) {
      if (other.begin[axis] < begin[axis]) begin[axis] = other.begin[axis];
      if (other.end[axis] > end[axis]) end[axis] = other.end[axis];
    }
    return *this;
  }
};

}  // namespace otfleet::kernels

/// What sums begin with.
template <>
struct Kokkos::reduction_identity<otfleet::kernels::Bounds> {
  KOKKOS_FORCEINLINE_FUNCTION static otfleet::kernels::Bounds sum() { return {}; }
};

namespace otfleet::kernels {
namespace {

/// The region of a whole side; axes are aligned at the last one.
Region whole(const SeparableCost& cost, bool source) {
  Region region;
  const int missing = SeparableCost::max_axes - static_cast<int>(cost.axes().size());
  for (std::size_t d = 0; d < cost.axes().size(); ++d) {
    const int length = source ? cost.axes()[d].n : cost.axes()[d].m;
    region.length[missing + d] = region.end[missing + d] = length;
  }
  return region;
}

/// Of the measures `index`; all of them where that is empty.
template <class ExecutionSpace>
void find_regions(const ExecutionSpace& space, const Region& whole,
                  const Matrix<const double, ExecutionSpace>& weights,
                  const Vector<const int, ExecutionSpace>& index,
                  const Vector<Region, ExecutionSpace>& regions) {
  const bool all = index.extent(0) == 0;
  Kokkos::parallel_for(
      "otfleet::sinkhorn::supports", team_each(space, static_cast<int>(regions.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        const double* w = &weights(all ? k : index(k), 0);
        Bounds found;
        Kokkos::parallel_reduce(
            Kokkos::TeamVectorRange(team, whole.length[0] * whole.length[1]),
            [&](int at, Bounds& bounds) {
              const int i = at / whole.length[1], j = at % whole.length[1];
              const double* run = w + at * whole.length[2];
              int first = 0, last = whole.length[2];
              while (first < last && !(run[first] > 0)) ++first;
              if (first == last) return;
              while (!(run[last - 1] > 0)) --last;
              bounds += {{i, j, first}, {i + 1, j + 1, last}};
            },
            found);
        team.team_barrier();
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          Region region = whole;
          for (int axis = 0; axis < 3; ++axis) {
            region.begin[axis] =
                found.begin[axis] < whole.length[axis] ? found.begin[axis] : whole.length[axis];
            region.end[axis] = found.end[axis];
          }
          regions(k) = region;
        });
      });
}

/// Of the problems' measures on one side. Measures that are in many problems are looked at once.
template <class ExecutionSpace>
void find_regions_of_problems(const ExecutionSpace& space, const Region& whole,
                              const Matrix<const double, ExecutionSpace>& weights,
                              const Vector<const int, ExecutionSpace>& index,
                              const Vector<Region, ExecutionSpace>& regions) {
  const auto measures = weights.extent(0), problems = index.extent(0);
  if (measures >= problems) return find_regions(space, whole, weights, index, regions);
  const Vector<Region, ExecutionSpace> of_measures("otfleet::sinkhorn::measure_regions", measures);
  find_regions(space, whole, weights, {}, of_measures);
  Kokkos::parallel_for(
      "otfleet::sinkhorn::gather_regions",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(problems)),
      KOKKOS_LAMBDA(int k) { regions(k) = of_measures(index(k)); });
}

/// Interleaves the leading bits of a region pair's bounds (Morton order): neighbors in it are close
/// in every bound.
KOKKOS_INLINE_FUNCTION std::uint64_t key_of(const Region& source, const Region& target) {
  constexpr int bits = 4;  // 12 bounds of 4 bits each
  std::uint64_t result = 0;
  for (int bit = bits - 1; bit >= 0; --bit)
    for (int side = 0; side < 2; ++side)
      for (int axis = 0; axis < 3; ++axis)
        for (int end = 0; end < 2; ++end) {
          const Region& region = side == 0 ? source : target;
          const int bound = end == 0 ? region.begin[axis] : region.end[axis] - 1;
          const auto coarse = static_cast<std::uint64_t>(bound) * (1U << bits) /
                              static_cast<std::uint64_t>(region.length[axis]);
          result = result << 1 | (coarse >> bit & 1U);
        }
  return result;
}

template <class ExecutionSpace>
void find_keys(const ExecutionSpace& space, const Supports<ExecutionSpace>& supports,
               const Vector<std::uint64_t, ExecutionSpace>& keys) {
  const auto source = supports.source, target = supports.target;
  Kokkos::parallel_for(
      "otfleet::sinkhorn::support_keys",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(keys.extent(0))),
      KOKKOS_LAMBDA(int k) { keys(k) = key_of(source(k), target(k)); });
}

}  // namespace

template <class ExecutionSpace>
Supports<ExecutionSpace> find_supports(const ExecutionSpace& space, const SeparableCost& cost,
                                       const ProblemBatch<ExecutionSpace>& problems) {
  const auto batch = static_cast<std::size_t>(problems.size());
  using Regions = Vector<Region, ExecutionSpace>;
  Supports<ExecutionSpace> supports{Regions("otfleet::sinkhorn::source_regions", batch),
                                    Regions("otfleet::sinkhorn::target_regions", batch),
                                    Vector<int, ExecutionSpace>("otfleet::sinkhorn::order", batch)};
  find_regions_of_problems(space, whole(cost, true), problems.source.weights, problems.source_index,
                           supports.source);
  find_regions_of_problems(space, whole(cost, false), problems.target.weights,
                           problems.target_index, supports.target);
  const Vector<std::uint64_t, ExecutionSpace> keys("otfleet::sinkhorn::support_keys", batch);
  find_keys(space, supports, keys);
  sort_order<ExecutionSpace>(space, keys, supports.order);
  return supports;
}

#define OTFLEET_INSTANTIATE(Space)                                                  \
  template Supports<Space> find_supports<Space>(const Space&, const SeparableCost&, \
                                                const ProblemBatch<Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels

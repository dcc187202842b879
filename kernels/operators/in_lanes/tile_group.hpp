#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/host_values.hpp"
#include "kernels/lanes/tile.hpp"
#include "kernels/operators/side.hpp"

// What operators in lanes share: a group of tiles, one problem in a lane, whose numbers stay in
// memory between launches.

namespace otfleet::kernels {

/// The tiles of a group as kernels see them.
template <class L_, class ExecutionSpace_>
struct TileGroup {
  using L = L_;
  using ExecutionSpace = ExecutionSpace_;
  using Pack = typename L::Pack;

  /// Where one pack of a field lies.
  struct Place {
    int tile, lane;
    long row;
  };
  /// One number for every point of one side of every problem.
  struct Field {
    double* base = nullptr;  ///< [tile][row][lane], `stride` numbers from tile to tile
    long stride = 0;

    KOKKOS_FORCEINLINE_FUNCTION explicit operator bool() const { return base != nullptr; }
    KOKKOS_FORCEINLINE_FUNCTION double* of(int tile) const { return base + tile * stride; }
    KOKKOS_FORCEINLINE_FUNCTION Pack load(const Place& at) const {
      return L::load(of(at.tile) + at.row * L::width + at.lane);
    }
    KOKKOS_FORCEINLINE_FUNCTION void store(const Place& at, const Pack& value) const {
      L::store(of(at.tile) + at.row * L::width + at.lane, value);
    }
  };
  /// One number for every problem.
  struct ProblemValue {
    double* base = nullptr;  ///< [tile][lane]

    KOKKOS_FORCEINLINE_FUNCTION double& operator()(int tile, int lane) const {
      return base[static_cast<long>(tile) * L::width + lane];
    }
    /// Is it > 0 for any problem of a tile?
    KOKKOS_INLINE_FUNCTION bool any_positive(int tile) const {
      bool any = false;
      for (int lane = 0; lane < L::width; ++lane) any |= (*this)(tile, lane) > 0;
      return any;
    }
    KOKKOS_FORCEINLINE_FUNCTION Pack load(const Place& at) const {
      return L::load(base + static_cast<long>(at.tile) * L::width + at.lane);
    }
  };

  int tiles = 0;
  Region* regions[2] = {};   ///< [tile]: rows outside hold no point with weight
  int* instances = nullptr;  ///< [tile][lane]: the problem of a lane, −1: none
  double* totals = nullptr;  ///< [problem][totals_stride]
  long totals_stride = 0;

  KOKKOS_FUNCTION const Region& region(Side side, int tile) const {
    return regions[static_cast<int>(side)][tile];
  }
  KOKKOS_FUNCTION int instance(int tile, int lane) const {
    return instances[static_cast<long>(tile) * L::width + lane];
  }
  /// totals(problem, first + c) = results[c · width + lane] for the tile's problems.
  KOKKOS_FUNCTION void write_totals(const Team<ExecutionSpace>& team, int tile, int first,
                                    int count, const double* results) const {
    const TileGroup& self = *this;
    Kokkos::parallel_for(Kokkos::TeamVectorRange(team, int(L::width)), [&](int lane) {
      const int k = self.instance(tile, lane);
      if (k < 0) return;
      for (int c = 0; c < count; ++c)
        self.totals[k * self.totals_stride + first + c] = results[c * L::width + lane];
    });
    team.team_barrier();
  }
};

/// body(team, tile) for every tile of a group, `scratch` numbers of team memory besides.
template <class ExecutionSpace, class L, class Body>
void for_tiles(const ExecutionSpace& space, const std::string& label, int tiles, const Body& body,
               int scratch = 0) {
  if (tiles == 0) return;
  Policy<ExecutionSpace> policy(space, tiles, Backend<ExecutionSpace>::team_size, L::packs);
  if (scratch > 0)
    policy.set_scratch_size(
        0, Kokkos::PerTeam(static_cast<int>(sizeof(double)) * scratch * int(L::width) + 128));
  Kokkos::parallel_for(
      label, policy, KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        body(team, static_cast<int>(team.league_rank()));
      });
}

/// Rows of a tile that hold numbers for `count` sums of a team.
template <class ExecutionSpace>
constexpr int sum_scratch(int count) {
  return count * (1 + Backend<ExecutionSpace>::team_size);
}

template <class L, class ExecutionSpace>
KOKKOS_INLINE_FUNCTION double* take_scratch(const Team<ExecutionSpace>& team, int rows) {
  return static_cast<double*>(team.team_shmem().get_shmem_aligned(
      sizeof(double) * static_cast<std::size_t>(rows) * L::width, 64));
}

/// body(place) for every point of one side.
template <class Group, class Body>
void for_group_points(const typename Group::ExecutionSpace& space, const std::string& label,
                      const Group& group, Side side, const Body& body) {
  using L = typename Group::L;
  using Space = typename Group::ExecutionSpace;
  for_tiles<Space, L>(
      space, label, group.tiles, KOKKOS_LAMBDA(const Team<Space>& team, int tile) {
        for_rows<L>(team, group.region(side, tile), [&](int row, int pack) {
          body(typename Group::Place{tile, pack * int(L::pack_width), row});
        });
      });
}

/// totals(k, first + c) = the sum of what body(place, sums) adds to sums[c] over the points of one
/// side of problem k.
template <int count, class Group, class Body>
void sum_group_points(const typename Group::ExecutionSpace& space, const std::string& label,
                      const Group& group, Side side, int first, const Body& body) {
  using L = typename Group::L;
  using Space = typename Group::ExecutionSpace;
  for_tiles<Space, L>(
      space, label, group.tiles,
      KOKKOS_LAMBDA(const Team<Space>& team, int tile) {
        double* const results = take_scratch<L, Space>(team, count);
        double* const partial = take_scratch<L, Space>(team, count * team.team_size());
        add_rows<L, count>(
            team, group.region(side, tile), partial, results,
            [&](int row, int pack, typename L::Pack(&sums)[count]) {
              body(typename Group::Place{tile, pack * int(L::pack_width), row}, sums);
            });
        group.write_totals(team, tile, first, count, results);
      },
      sum_scratch<Space>(count));
}

/// totals(k, which) = the largest of `least` and value(place) over the points of one side of
/// problem k.
template <class Group, class Value>
void largest_group_point(const typename Group::ExecutionSpace& space, const std::string& label,
                         const Group& group, Side side, int which, const Value& value,
                         double least) {
  using L = typename Group::L;
  using Space = typename Group::ExecutionSpace;
  for_tiles<Space, L>(
      space, label, group.tiles,
      KOKKOS_LAMBDA(const Team<Space>& team, int tile) {
        double* const results = take_scratch<L, Space>(team, 1);
        double* const partial = take_scratch<L, Space>(team, team.team_size());
        largest_row<L>(
            team, group.region(side, tile), partial, results,
            [&](int row, int pack) {
              return value(typename Group::Place{tile, pack * int(L::pack_width), row});
            },
            least);
        group.write_totals(team, tile, which, 1, results);
      },
      sum_scratch<Space>(1));
}

/// What operators in lanes can do point by point, which no cost has a part in.
template <class L_, class ExecutionSpace_>
class TilePoints {
 public:
  using ExecutionSpace = ExecutionSpace_;
  using L = L_;
  using Group = TileGroup<L, ExecutionSpace>;
  using Pack = typename L::Pack;
  using Place = typename Group::Place;
  using Field = typename Group::Field;
  using WeightField = Field;
  using ProblemValue = typename Group::ProblemValue;

  explicit TilePoints(const ExecutionSpace& space) : space_(space) {}

  template <class Body>
  void for_points(const char* label, Side side, const Body& body) const {
    for_group_points(space_, label, group_, side, body);
  }
  template <int count, class Body>
  void sum(const char* label, Side side, int first, const Body& body) const {
    sum_group_points<count>(space_, label, group_, side, first, body);
  }
  template <class Value>
  void largest(const char* label, Side side, int which, const Value& value_of,
               double least = 0) const {
    largest_group_point(space_, label, group_, side, which, value_of, least);
  }

  /// body(totals of a problem) for every problem.
  template <class Body>
  void for_problems(const char* label, const Body& body) const {
    const Group group = group_;
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<ExecutionSpace>(space_, 0, lanes()), KOKKOS_LAMBDA(int at) {
          const int k = group.instances[at];
          if (k >= 0) body(group.totals + k * group.totals_stride);
        });
  }
  /// A total, 0 in lanes without a problem. As it is now: later changes do not show.
  ProblemValue total(int which) {
    const int all = lanes();
    const auto needed = static_cast<std::size_t>(group_.totals_stride) * all;
    if (copies_.extent(0) < needed)
      copies_ = Vector<double, ExecutionSpace>("otfleet::operators::totals", needed);
    const Group group = group_;
    double* const to = copies_.data() + static_cast<long>(which) * all;
    Kokkos::parallel_for(
        "otfleet::operators::total", Kokkos::RangePolicy<ExecutionSpace>(space_, 0, all),
        KOKKOS_LAMBDA(int at) {
          const int k = group.instances[at];
          to[at] = k < 0 ? 0.0 : group.totals[k * group.totals_stride + which];
        });
    return {to};
  }
  /// The problems at hand, −1 in lanes without one; total_on_host() and set_total() have their
  /// order.
  std::vector<int> problems_on_host() const { return on_host(group_.instances); }
  std::vector<double> total_on_host(int which) { return on_host(total(which).base); }
  void set_total(int which, const std::vector<double>& values) {
    const auto given = copy_to_device<ExecutionSpace>("otfleet::operators::total", values);
    const Group group = group_;
    Kokkos::parallel_for(
        "otfleet::operators::set_total", Kokkos::RangePolicy<ExecutionSpace>(space_, 0, lanes()),
        KOKKOS_LAMBDA(int at) {
          const int k = group.instances[at];
          if (k >= 0) group.totals[k * group.totals_stride + which] = given(at);
        });
  }

 protected:
  ExecutionSpace space_;
  Group group_;

 private:
  int lanes() const { return group_.tiles * L::width; }
  template <class Value>
  std::vector<Value> on_host(const Value* values) const {
    const Kokkos::View<const Value*, ExecutionSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>> all(
        values, static_cast<std::size_t>(lanes()));
    std::vector<Value> result(all.extent(0));
    Kokkos::deep_copy(
        space_,
        Kokkos::View<Value*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
            result.data(), result.size()),
        all);
    space_.fence();
    return result;
  }

  Vector<double, ExecutionSpace> copies_;
};

}  // namespace otfleet::kernels

#pragma once
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "kernels/host_values.hpp"
#include "kernels/operators/in_passes/cell_pairs.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"

// One side of a problem in the order of its cells, as block-sparse passes want it.

namespace otfleet::kernels {

/// Points of positive weight, on the host and on the device, in the order of a tree.
template <class ExecutionSpace, class Scalar>
struct CellSide {
  CellTree tree;
  std::vector<double> points, weights, log2_weights;  ///< [count, d], [count], [count]
  Support<ExecutionSpace> support;                    ///< index: into what it was made of
  CloudPoints<ExecutionSpace, Scalar> cloud;

  int count() const { return tree.count(); }
};

/// The first `count` values of an array of the device.
template <class Array>
std::vector<typename Array::non_const_value_type> to_host(const Array& values, int count) {
  const auto part = Kokkos::subview(values, std::make_pair(0, count));
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), part);
  return {host.data(), host.data() + host.extent(0)};
}

template <class ExecutionSpace, class Value>
Vector<const Value, ExecutionSpace> to_arena(CloudArena<ExecutionSpace>& arena,
                                             const std::vector<Value>& values) {
  const auto result = arena.template take<Value>(values.size());
  Kokkos::deep_copy(
      result,
      Kokkos::View<const Value*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
          values.data(), values.size()));
  return result;
}

/// points [n, d], weights [n] > 0, index [n].
template <class Scalar, class ExecutionSpace>
CellSide<ExecutionSpace, Scalar> make_cell_side(const ExecutionSpace& space,
                                                CloudArena<ExecutionSpace>& arena, int d,
                                                std::span<const double> points,
                                                std::span<const double> weights,
                                                std::span<const int> index) {
  CellSide<ExecutionSpace, Scalar> side;
  side.tree = CellTree(points, d);
  std::vector<int> places, own;
  for (const int i : side.tree.order()) {
    const auto at = static_cast<std::size_t>(i);
    for (int k = 0; k < d; ++k)
      side.points.push_back(points[at * static_cast<std::size_t>(d) + static_cast<std::size_t>(k)]);
    side.weights.push_back(weights[at]);
    side.log2_weights.push_back(std::log2(weights[at]));
    own.push_back(static_cast<int>(own.size()));
    places.push_back(index[at]);
  }
  side.support = {to_arena(arena, places), to_arena(arena, side.weights),
                  to_arena(arena, side.log2_weights), side.count()};
  const Matrix<const double, ExecutionSpace> sorted(to_arena(arena, side.points).data(),
                                                    places.size(), static_cast<std::size_t>(d));
  auto in_order = side.support;
  in_order.index = to_arena(arena, own);
  side.cloud = gather_points<Scalar>(space, arena, {sorted, 0, {}}, in_order, 1.0);
  return side;
}

/// Of a side of a problem: index is into the problem's rows. Fences.
template <class Scalar, class ExecutionSpace, class Given>
CellSide<ExecutionSpace, Scalar> make_cell_side(const ExecutionSpace& space,
                                                CloudArena<ExecutionSpace>& arena,
                                                const ProblemSide<ExecutionSpace, Given>& given) {
  const int d = given.place.dimension(), count = given.support.count;
  const auto placed =
      arena.template take<double>(static_cast<std::size_t>(count) * static_cast<std::size_t>(d));
  const auto index = given.support.index;
  const auto place = given.place;
  Kokkos::parallel_for(
      "otfleet::clouds::place_points", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int i) {
        for (int k = 0; k < d; ++k)
          placed(static_cast<std::size_t>(i) * d + k) = place(index(i), k);
      });
  space.fence();
  return make_cell_side<Scalar>(space, arena, d, to_host(placed, count * d),
                                to_host(given.support.weight, count), to_host(index, count));
}

/// Lists on the device. Ranks of `communicator`, if any, share the rows in parts of about as many
/// pairs; collective then.
template <class ExecutionSpace>
KeptCells<ExecutionSpace> keep_cells(const CellLists& lists, CloudCommunicator* communicator) {
  KeptCells<ExecutionSpace> kept;
  kept.first = copy_to_device<ExecutionSpace>("otfleet::clouds::kept_first", lists.first);
  kept.ranges = copy_to_device<ExecutionSpace>("otfleet::clouds::kept_ranges", lists.ranges);
  const int cells = static_cast<int>(lists.first.size()) - 1;
  kept.own_end = cells;
  if (communicator == nullptr) return kept;
  kept.communicator = communicator;
  const int size = communicator->size(), rank = communicator->rank();
  std::vector<double> ends(static_cast<std::size_t>(size), 0.0);
  if (rank == 0) {  // one rank decides
    const double all = lists.pairs();
    double done = 0;
    std::size_t part = 0;
    for (int cell = 0; cell < cells; ++cell) {
      for (int at = lists.first[static_cast<std::size_t>(cell)];
           at < lists.first[static_cast<std::size_t>(cell) + 1]; ++at)
        done += lists.ranges[static_cast<std::size_t>(at)].end -
                lists.ranges[static_cast<std::size_t>(at)].begin;
      while (part + 1 < ends.size() && done >= all * static_cast<double>(part + 1) / size)
        ends[part++] = cell + 1;
    }
    for (; part < ends.size(); ++part) ends[part] = cells;
  }
  communicator->max(ends);
  const auto at = static_cast<std::size_t>(rank);
  kept.own_begin = rank == 0 ? 0 : static_cast<int>(ends[at - 1]);
  kept.own_end = static_cast<int>(ends[at]);
  return kept;
}

}  // namespace otfleet::kernels

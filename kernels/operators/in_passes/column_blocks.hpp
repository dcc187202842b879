#pragma once
#include <utility>

#include "kernels/operators/in_passes/cloud_points.hpp"

// The columns of a pass, whoever holds them.

namespace otfleet::kernels {

/// Points in the columns' layout of CloudPoints, with a number each.
template <class ExecutionSpace, class Scalar>
struct ColumnBlock {
  Vector<const Scalar, ExecutionSpace> columns;  ///< [blocks][dimension][L::width]
  Vector<const Scalar, ExecutionSpace> offset;   ///< [blocks][L::width]
  int blocks = 0;
};

/// Calls body(ColumnBlock) for the columns of `points`, then for those of every other rank.
/// Columns and offsets travel together, as they are: d + 1 numbers a point.
template <class ExecutionSpace, class Scalar, class Body>
void for_each_column_block(const ExecutionSpace& space,
                           const CloudPoints<ExecutionSpace, Scalar>& points,
                           const Vector<Scalar, ExecutionSpace>& offset, const Body& body) {
  using Block = ColumnBlock<ExecutionSpace, Scalar>;
  using Host = Kokkos::HostSpace;
  if (!points.communicator) return body(Block{points.columns, offset, points.column_blocks()});
  constexpr std::size_t width = CloudPoints<ExecutionSpace, Scalar>::L::width;
  const auto coordinates = width * static_cast<std::size_t>(points.dimension);  // of one block
  const auto own = static_cast<std::size_t>(points.column_blocks());
  const auto fill = [&](std::byte* message) {
    const auto write = [&](const Vector<const Scalar, ExecutionSpace>& from, std::size_t count,
                           Scalar* to) {
      const Kokkos::View<Scalar*, Host, Kokkos::MemoryTraits<Kokkos::Unmanaged>> target(to, count);
      Kokkos::deep_copy(space, target,
                        Kokkos::subview(from, std::make_pair(std::size_t{0}, count)));
    };
    auto* const first = reinterpret_cast<Scalar*>(message);
    write(points.columns, own * coordinates, first);
    write(offset, own * width, first + own * coordinates);
    space.fence();
  };
  const auto visit = [&](const std::byte* message, std::size_t bytes) {
    const std::size_t count = bytes / (sizeof(Scalar) * (coordinates + width));
    const Kokkos::View<const Scalar*, Host, Kokkos::MemoryTraits<Kokkos::Unmanaged>> sent(
        reinterpret_cast<const Scalar*>(message), count * (coordinates + width));
    const auto here = Kokkos::create_mirror_view_and_copy(
        typename ExecutionSpace::memory_space(), sent, "otfleet::clouds::visiting_columns");
    const Scalar* const first = here.data();
    body(Block{Vector<const Scalar, ExecutionSpace>(first, count * coordinates),
               Vector<const Scalar, ExecutionSpace>(first + count * coordinates, count * width),
               static_cast<int>(count)});
    space.fence();
  };
  points.communicator->exchange(own * (coordinates + width) * sizeof(Scalar), fill, visit);
}

}  // namespace otfleet::kernels

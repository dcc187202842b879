#pragma once
#include <array>
#include <memory>
#include <stdexcept>

#include "kernels/device_array.hpp"
#include "kernels/kokkos_compat.hpp"

// Between DeviceArrays and Views, inside kernels/ alone: no element is copied.

namespace otfleet::kernels {

/// Where DeviceArrays live and the operations of api/ run.
using DeviceSpace = Kokkos::DefaultExecutionSpace;

/// A View of the same elements. It does not keep them: the array has to outlive it.
template <class T>
Vector<T, DeviceSpace> view_of(const DeviceArray<T, 1>& array) {
  return Vector<T, DeviceSpace>(array.data(), array.extent(0));
}
template <class T>
Matrix<T, DeviceSpace> view_of(const DeviceArray<T, 2>& array) {
  return Matrix<T, DeviceSpace>(array.data(), array.extent(0), array.extent(1));
}

namespace detail {

/// The extents of a View. Throws std::invalid_argument for gaps between its rows or columns.
template <class View>
auto row_major_extents(const View& view) {
  static_assert(Kokkos::SpaceAccessibility<DeviceSpace, typename View::memory_space>::accessible);
  constexpr int rank = static_cast<int>(View::rank);
  std::array<std::size_t, rank> extents{};
  std::size_t stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    const auto extent = view.extent(axis);
    // An axis of one element has no neighbors to be apart from.
    if (extent > 1 && view.stride(axis) != stride)
      throw std::invalid_argument("the View is not row-major without gaps; copy it first");
    extents[static_cast<std::size_t>(axis)] = extent;
    stride *= extent;
  }
  return extents;
}

}  // namespace detail

template <class View>
using ArrayOf = DeviceArray<typename View::value_type, static_cast<int>(View::rank)>;

// Arrays of the elements of a View. Both throw std::invalid_argument for rows or columns with gaps
// between them.

/// Keeps the elements if the View does.
template <class View>
ArrayOf<View> array_of(const View& view) {
  return {view.data(), detail::row_major_extents(view), std::make_shared<const View>(view)};
}

/// Does not: the View has to outlive it. Allocates nothing.
template <class View>
ArrayOf<View> borrowed_array_of(const View& view) {
  return {view.data(), detail::row_major_extents(view)};
}

}  // namespace otfleet::kernels

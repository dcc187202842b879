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

/// An array of the same elements, which it keeps if the View does. Throws std::invalid_argument for
/// rows or columns with gaps between them.
template <class T, class... Properties>
auto array_of(const Kokkos::View<T, Properties...>& view) {
  using View = Kokkos::View<T, Properties...>;
  static_assert(Kokkos::SpaceAccessibility<DeviceSpace, typename View::memory_space>::accessible);
  constexpr int rank = static_cast<int>(View::rank);
  typename DeviceArray<typename View::value_type, rank>::Extents extents{};
  std::size_t stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    const auto extent = view.extent(axis);
    // An axis of one element has no neighbors to be apart from.
    if (extent > 1 && view.stride(axis) != stride)
      throw std::invalid_argument("the View is not row-major without gaps; copy it first");
    extents[static_cast<std::size_t>(axis)] = extent;
    stride *= extent;
  }
  return DeviceArray<typename View::value_type, rank>(view.data(), extents,
                                                      std::make_shared<const View>(view));
}

}  // namespace otfleet::kernels

#pragma once
#include <cstdint>

#include "kernels/device_views.hpp"

namespace otfleet::kernels {

/// A kernel that captures numbers before, between and after Views, as most of ours do. What it
/// writes to comes first and is a plain pointer: it is found wherever the others may be.
struct Captured {
  using Unmanaged = Kokkos::View<double*, DeviceSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

  double* found;  ///< [numbers]
  std::int32_t before;
  Vector<double, DeviceSpace> vector;
  float between;
  Matrix<double, DeviceSpace> matrix;
  Unmanaged unmanaged;
  double after;

  static constexpr int layouts = 9, numbers = layouts + 6;

  /// Sizes and offsets in bytes, of the side that calls it.
  KOKKOS_INLINE_FUNCTION void write_layout(double* layout) const {
    const auto offset = [this](const auto& member) {
      return static_cast<double>(reinterpret_cast<const char*>(&member) -
                                 reinterpret_cast<const char*>(this));
    };
    layout[0] = sizeof(vector);
    layout[1] = sizeof(matrix);
    layout[2] = sizeof(unmanaged);
    layout[3] = sizeof(Captured);
    layout[4] = offset(vector);
    layout[5] = offset(between);
    layout[6] = offset(matrix);
    layout[7] = offset(unmanaged);
    layout[8] = offset(after);
  }

  KOKKOS_INLINE_FUNCTION void operator()(int) const {
    write_layout(found);
    found[layouts] = before;
    found[layouts + 1] = between;
    found[layouts + 2] = after;
    found[layouts + 3] = static_cast<double>(vector.extent(0));
    found[layouts + 4] = static_cast<double>(matrix.extent(1));
    found[layouts + 5] = static_cast<double>(unmanaged.extent(0));
  }
};

}  // namespace otfleet::kernels

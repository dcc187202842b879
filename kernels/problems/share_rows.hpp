#pragma once
#include <cstddef>
#include <cstring>
#include <utility>

#include "kernels/kokkos_compat.hpp"
#include "kernels/problems/cloud_communicator.hpp"

namespace otfleet::kernels {

/// result [rows]: every rank has its own rows first_row … row_end − 1 and gets those of all.
/// Collective.
template <class ExecutionSpace, class Scalar>
void share_rows(const ExecutionSpace& space, CloudCommunicator& communicator, std::size_t first_row,
                std::size_t row_end, const Vector<Scalar, ExecutionSpace>& result) {
  using HostView =
      Kokkos::View<Scalar*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
  constexpr std::size_t header = 64;  // what follows stays aligned
  const std::size_t count = row_end > first_row ? row_end - first_row : 0;
  const auto rows = [&](std::size_t first, std::size_t length) {
    return Kokkos::subview(result, std::make_pair(first, first + length));
  };
  const auto fill = [&](std::byte* message) {
    std::memcpy(message, &first_row, sizeof first_row);
    if (count > 0)
      Kokkos::deep_copy(space, HostView(reinterpret_cast<Scalar*>(message + header), count),
                        rows(first_row, count));
    space.fence();
  };
  const auto visit = [&](const std::byte* message, std::size_t bytes) {
    std::size_t begin = 0;
    std::memcpy(&begin, message, sizeof begin);
    const std::size_t length = (bytes - header) / sizeof(Scalar);
    if (length == 0) return;
    const Kokkos::View<const Scalar*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>
        sent(reinterpret_cast<const Scalar*>(message + header), length);
    Kokkos::deep_copy(space, rows(begin, length), sent);
    space.fence();
  };
  space.fence();
  communicator.exchange(header + count * sizeof(Scalar), fill, visit);
}

}  // namespace otfleet::kernels

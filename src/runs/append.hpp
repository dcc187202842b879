#pragma once
#include <Kokkos_Core.hpp>
#include <vector>

namespace otfleet {

/// Appends the values of a View on the device, row-major.
template <class Value>
void append(std::vector<Value>& to, const auto& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  to.insert(to.end(), host.data(), host.data() + host.size());
}

}  // namespace otfleet

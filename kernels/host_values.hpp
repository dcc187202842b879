#pragma once
#include <span>
#include <string>
#include <vector>

#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// Values of the host, copied to the device.
template <class ExecutionSpace, class Value>
Vector<Value, ExecutionSpace> copy_to_device(const std::string& label,
                                             std::span<const Value> values) {
  const Vector<Value, ExecutionSpace> device(Kokkos::view_alloc(label, Kokkos::WithoutInitializing),
                                             values.size());
  Kokkos::deep_copy(
      device,
      Kokkos::View<const Value*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
          values.data(), values.size()));
  return device;
}
template <class ExecutionSpace, class Value>
Vector<Value, ExecutionSpace> copy_to_device(const std::string& label,
                                             const std::vector<Value>& values) {
  return copy_to_device<ExecutionSpace>(label, std::span<const Value>(values));
}

/// The same, not copied where the device sees the host's memory. `values` must outlive it.
template <class ExecutionSpace, class Value>
Vector<const Value, ExecutionSpace> see_on_device(const std::string& label,
                                                  const std::vector<Value>& values) {
  if constexpr (runs_on_host<ExecutionSpace>)
    return Vector<const Value, ExecutionSpace>(values.data(), values.size());
  else
    return copy_to_device<ExecutionSpace>(label, values);
}

/// Indices of the device, copied to the host.
template <class Index>
std::vector<int> indices_on_host(const Index& index) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), index);
  return std::vector<int>(host.data(), host.data() + host.extent(0));
}

}  // namespace otfleet::kernels

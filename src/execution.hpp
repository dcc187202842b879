#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device_views.hpp"
#include "src/runs/append.hpp"

namespace otfleet {

/// Where the program computes and holds its arrays.
using ExecutionSpace = Kokkos::DefaultExecutionSpace;
using kernels::Matrix;
using kernels::Vector;

/// Indices on the device.
inline Vector<int, ExecutionSpace> upload_indices(std::span<const std::int32_t> indices) {
  const Vector<int, ExecutionSpace> device("otfleet::indices", indices.size());
  const auto host = Kokkos::create_mirror_view(device);
  std::copy(indices.begin(), indices.end(), host.data());
  Kokkos::deep_copy(device, host);
  return device;
}

/// Appends the values of a View on the device, row-major.
template <class Value, class T, class... Properties>
void append(std::vector<Value>& to, const Kokkos::View<T, Properties...>& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  to.insert(to.end(), host.data(), host.data() + host.size());
}

}  // namespace otfleet

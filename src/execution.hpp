#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

#include "kernels/kokkos_compat.hpp"

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

}  // namespace otfleet

#pragma once
#include "src/execution.hpp"
#include "src/populations/cloud_population.hpp"

// The weights and points of a table of clouds where kernels want them; where that is the host, the
// memory that they have already, which must then stay.

namespace otfleet {

/// [total]
inline Vector<const double, ExecutionSpace> weights_of(const CloudTable& table) {
  const Kokkos::View<const double*, Kokkos::HostSpace> host(table.weights.data(),
                                                            table.weights.size());
  return Kokkos::create_mirror_view_and_copy(ExecutionSpace::memory_space(), host,
                                             "otfleet::solver::weights");
}

/// [total, dimension]
inline Matrix<const double, ExecutionSpace> points_of(const CloudTable& table,
                                                      std::int64_t dimension) {
  const Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace> host(
      table.points.data(), table.weights.size(), static_cast<std::size_t>(dimension));
  return Kokkos::create_mirror_view_and_copy(ExecutionSpace::memory_space(), host,
                                             "otfleet::solver::points");
}

}  // namespace otfleet

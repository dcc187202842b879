#pragma once
#include <span>
#include <vector>

#include "kernels/kokkos_compat.hpp"
#include "kernels/problems/cloud_communicator.hpp"

namespace otfleet::kernels {

enum class Reduced { sum, largest };

/// Element by element over all ranks, in place; all get the same bits. Null: there are no others.
/// Collective.
template <class ExecutionSpace, class Scalar>
void reduce_values(const ExecutionSpace& space, CloudCommunicator* communicator, Reduced how,
                   const Vector<Scalar, ExecutionSpace>& values) {
  if (!communicator) return;
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  std::vector<double> numbers(host.data(), host.data() + host.extent(0));
  const std::span<double> all(numbers);
  if (how == Reduced::sum)
    communicator->sum(all);
  else
    communicator->max(all);
  for (std::size_t i = 0; i < numbers.size(); ++i) host(i) = static_cast<Scalar>(numbers[i]);
  Kokkos::deep_copy(space, values, host);
  space.fence();
}

}  // namespace otfleet::kernels

#pragma once
#include <vector>

#include "kernels/host_values.hpp"
#include "tests/kernels/host_batch.hpp"

// Values between vectors of the host and Views of the tested space.

namespace otfleet::kernels::test {

template <class Value>
Vector<Value, Space> to_device(const std::vector<Value>& values) {
  return copy_to_device<Space>("otfleet::test::values", values);
}
template <class View>
auto to_host(const View& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<typename View::non_const_value_type>(host.data(), host.data() + host.size());
}

}  // namespace otfleet::kernels::test

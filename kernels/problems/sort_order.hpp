#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "kernels/backend.hpp"

namespace otfleet::kernels {

/// order [B]: the numbers 0 … B − 1 by ascending key, equal ones ascending. Every number finds its
/// place by looking at all keys, in one launch; does not wait.
template <class ExecutionSpace>
void order_by_rank(const ExecutionSpace& space,
                   const Vector<const std::uint64_t, ExecutionSpace>& keys,
                   const Vector<int, ExecutionSpace>& order) {
  const int count = static_cast<int>(keys.extent(0));
  Kokkos::parallel_for(
      "otfleet::problems::order_by_rank", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int k) {
        const std::uint64_t key = keys(k);
        int before = 0;
        for (int other = 0; other < count; ++other)
          before += keys(other) < key || (keys(other) == key && other < k);
        order(before) = k;
      });
}

/// The same order, sorted by the host.
template <class ExecutionSpace>
void order_on_host(const Vector<const std::uint64_t, ExecutionSpace>& keys,
                   const Vector<int, ExecutionSpace>& order) {
  const auto host_keys = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), keys);
  const auto host = Kokkos::create_mirror_view(order);
  std::iota(host.data(), host.data() + host.extent(0), 0);
  std::stable_sort(host.data(), host.data() + host.extent(0),
                   [&](int one, int other) { return host_keys(one) < host_keys(other); });
  Kokkos::deep_copy(order, host);
}

/// Whichever suits the processor.
template <class ExecutionSpace>
void sort_order(const ExecutionSpace& space,
                const Vector<const std::uint64_t, ExecutionSpace>& keys,
                const Vector<int, ExecutionSpace>& order) {
  if (static_cast<long>(keys.extent(0)) <= Backend<ExecutionSpace>::most_ranked)
    order_by_rank(space, keys, order);
  else
    order_on_host<ExecutionSpace>(keys, order);
}

}  // namespace otfleet::kernels

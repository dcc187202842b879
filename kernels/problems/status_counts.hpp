#pragma once
#include <cstdint>

#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// counts [S] grows by the problems of status s, for every s < S. Local; does not wait.
template <class ExecutionSpace>
void add_statuses(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& status,
                  const Vector<std::int64_t, ExecutionSpace>& counts);

}  // namespace otfleet::kernels

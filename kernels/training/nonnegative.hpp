#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// values = max(values, 0), after a step of weights that must not be negative. Local; does not
/// wait.
template <class ExecutionSpace>
void clamp_to_nonnegative(const ExecutionSpace& space, const Vector<float, ExecutionSpace>& values);

}  // namespace otfleet::kernels

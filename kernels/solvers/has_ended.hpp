#pragma once
#include "kernels/backend.hpp"
#include "kernels/solvers/iteration_observer.hpp"

namespace otfleet::kernels {

/// Whether an observer that is asked has ended the batch.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION bool has_ended(const IterationObserver* observer) {
  if constexpr (Backend<ExecutionSpace>::observes_iterations)
    return observer != nullptr && observer->ended();
  return false;
}

}  // namespace otfleet::kernels

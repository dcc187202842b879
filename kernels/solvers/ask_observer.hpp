#pragma once
#include "kernels/backend.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/solvers/iteration_observer.hpp"

// What kernels ask the observer of their batch. On a device, whose kernels cannot, nothing ends it.

// A compiler for devices compiles kernels of the host's spaces for the device, too, and refuses
// there what only the host can call.
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define OTFLEET_ON_HOST(...)
#else
#define OTFLEET_ON_HOST(...) __VA_ARGS__
#endif

namespace otfleet::kernels {

/// Whether the observer, null where there is none, has ended the batch.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION bool has_ended(const IterationObserver* observer) {
  if constexpr (Backend<ExecutionSpace>::observes_iterations) {
    OTFLEET_ON_HOST(return observer != nullptr && observer->ended();)
  }
  return false;
}

/// What an observed batch says of problems that end before they have begun.
template <class ExecutionSpace>
void begin_observed(const ExecutionSpace& space, const IterationObserver* observer,
                    const Vector<int, ExecutionSpace>& iterations,
                    const Vector<int, ExecutionSpace>& status) {
  if (observer == nullptr) return;
  Kokkos::deep_copy(space, status, static_cast<int>(Status::ended));
  Kokkos::deep_copy(space, iterations, 0);
}

/// Tells the observer how far a problem is. False: the problem ends there.
template <class ExecutionSpace>
KOKKOS_INLINE_FUNCTION bool may_go_on(IterationObserver* observer, int problem, int iterations,
                                      double error) {
  if constexpr (Backend<ExecutionSpace>::observes_iterations) {
    OTFLEET_ON_HOST(return observer == nullptr || observer->goes_on(problem, iterations, error);)
  }
  return true;
}

}  // namespace otfleet::kernels

#undef OTFLEET_ON_HOST

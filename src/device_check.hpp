#pragma once
#include <optional>
#include <string>

#include "distributed/communicator.hpp"
#include "kernels/runtime.hpp"

namespace otfleet {

/// Starts Kokkos on the device of this rank: see kernels::choose_device(). On a GPU it makes sure
/// that kernels compute there what they should. Collective; throws UserError, on all ranks, where
/// no rank can go on.
void start_device(const distributed::Communicator& communicator,
                  std::optional<kernels::Runtime>& runtime);

/// What `otfleet --self-test` prints: the device, every check of kernels::self_checks() with "ok"
/// or its fault, LibTorch and MPI. `good`: there is no fault. Local.
std::string self_test_text(bool& good);

}  // namespace otfleet

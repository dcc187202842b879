#pragma once
#include <string>

namespace otfleet {

/// What keeps LibTorch, which sees `torch_gpus` GPUs, from the one that kernels run on: number
/// `device` of the `visible` that Kokkos sees, −1: the host, where nothing does. One line with what
/// to do, or empty.
std::string torch_device_fault(int torch_gpus, int device, int visible);

}  // namespace otfleet

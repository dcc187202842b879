#include "src/models/torch_device.hpp"

namespace otfleet {

std::string torch_device_fault(int torch_gpus, int device, int visible) {
  if (device < 0 || (torch_gpus == visible && device < visible)) return {};
  const auto count = [](int gpus) {
    return gpus == 0   ? std::string("no GPU")
           : gpus == 1 ? std::string("one GPU")
                       : std::to_string(gpus) + " GPUs";
  };
  return "LibTorch sees " + count(torch_gpus) + ", and kernels run on number " +
         std::to_string(device) + " of " + std::to_string(visible) +
         ": build with a LibTorch for CUDA (its cmake package's folder: Torch_DIR), of the CUDA "
         "version that the driver and Kokkos have";
}

}  // namespace otfleet

#include "kernels/runtime.hpp"

#include <stdexcept>

#include "kernels/device_views.hpp"

namespace otfleet::kernels {
namespace {

/// How Kokkos is started: 3.7 renamed the type.
#if KOKKOS_VERSION >= 30700
using Settings = Kokkos::InitializationSettings;
#else
using Settings = Kokkos::InitArguments;
#endif

Settings settings_for(int rank_on_machine) {
  Settings settings;
#ifdef KOKKOS_ENABLE_CUDA
  settings.set_device_id(choose_device(visible_devices(), rank_on_machine));
#else
  static_cast<void>(rank_on_machine);
#endif
  return settings;
}

#ifdef KOKKOS_ENABLE_CUDA
cudaDeviceProp properties() {
  cudaDeviceProp found{};
  if (const auto status = cudaGetDeviceProperties(&found, device_number()); status != cudaSuccess)
    throw std::runtime_error("CUDA: cudaGetDeviceProperties: " +
                             std::string(cudaGetErrorString(status)));
  return found;
}
#endif

}  // namespace

struct Runtime::State {
  Kokkos::ScopeGuard guard;
};

Runtime::Runtime(int rank_on_machine)
    : state_(new State{Kokkos::ScopeGuard(settings_for(rank_on_machine))}) {}
Runtime::Runtime(int& argc, char** argv) : state_(new State{Kokkos::ScopeGuard(argc, argv)}) {}
Runtime::~Runtime() = default;

std::string space_name() {
  return DeviceSpace::name();
}

std::string kokkos_version() {
  return std::to_string(KOKKOS_VERSION / 10000) + '.' + std::to_string(KOKKOS_VERSION / 100 % 100) +
         '.' + std::to_string(KOKKOS_VERSION % 100);
}

bool runs_on_gpu() {
  return !runs_on_host<DeviceSpace>;
}

void fence() {
  DeviceSpace().fence();
}

int choose_device(int visible, int rank_on_machine) {
  if (visible < 1)
    throw std::invalid_argument(
        "no CUDA device: kernels are compiled for CUDA, and this process sees no GPU; look at "
        "nvidia-smi and CUDA_VISIBLE_DEVICES, or use a build for the host");
  if (visible == 1) return 0;
  if (rank_on_machine >= visible)
    throw std::invalid_argument(
        "no CUDA device for rank " + std::to_string(rank_on_machine) +
        " of this machine, which has " + std::to_string(visible) +
        " GPUs: start a rank a GPU, or let CUDA_VISIBLE_DEVICES show each rank one, which several "
        "may share");
  return rank_on_machine;
}

#ifdef KOKKOS_ENABLE_CUDA

int visible_devices() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

int device_number() {
  return DeviceSpace().cuda_device();
}

std::string device_name() {
  return properties().name;
}

std::string device_identity() {
  const auto found = properties();
  return std::string(found.uuid.bytes, sizeof(found.uuid.bytes));
}

#else

int visible_devices() {
  return 0;
}

int device_number() {
  return -1;
}

std::string device_name() {
  return {};
}

std::string device_identity() {
  return {};
}

#endif

}  // namespace otfleet::kernels

#include "kernels/runtime.hpp"

#include "kernels/device_views.hpp"

namespace otfleet::kernels {

struct Runtime::State {
  Kokkos::ScopeGuard guard;
};

Runtime::Runtime() : state_(new State) {}
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

}  // namespace otfleet::kernels

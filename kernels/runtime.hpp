#pragma once
#include <memory>
#include <string>

namespace otfleet::kernels {

/// Starts Kokkos, and ends it when it goes out of scope: every DeviceArray has to be gone by then.
/// Where there is MPI it starts before and ends after. One in the life of a process.
class Runtime {
 public:
  /// As the environment says (OMP_NUM_THREADS and so on).
  Runtime();
  /// And as the command line says, which loses the arguments that begin with --kokkos.
  Runtime(int& argc, char** argv);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Kokkos' default execution space, such as "Serial" or "Cuda".
std::string space_name();
/// The version that kernels were compiled with, "3.4.0" for example.
std::string kokkos_version();
/// Is the device a GPU, with memory of its own?
bool runs_on_gpu();
/// Waits for all that was launched on the device.
void fence();

}  // namespace otfleet::kernels

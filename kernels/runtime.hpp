#pragma once
#include <memory>
#include <string>

namespace otfleet::kernels {

/// Starts Kokkos, and ends it when it goes out of scope: every DeviceArray has to be gone by then.
/// Where there is MPI it starts before and ends after. One in the life of a process.
class Runtime {
 public:
  /// As the environment says (OMP_NUM_THREADS and so on), on the device that choose_device() gives
  /// the rank that has this number on its machine.
  explicit Runtime(int rank_on_machine);
  /// As environment and command line say, which loses the arguments that begin with --kokkos.
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

// --- Which GPU. Kokkos, LibTorch and NCCL all use the one of device_number(). ---

/// Which of the GPUs 0 … visible − 1 a rank takes that has this number on its machine, from 0: the
/// one of its own number, or the only one, which ranks may share. Throws std::invalid_argument: no
/// GPU is visible, or several are and the rank has none.
int choose_device(int visible, int rank_on_machine);

/// GPUs of the kind that kernels are compiled for that the process sees; 0 without a driver, and
/// where kernels run on the host. Needs no Runtime.
int visible_devices();
/// The GPU that kernels run on, as visible_devices() counts them; −1: none. Needs a Runtime.
int device_number();
/// What it is, "NVIDIA H100 80GB HBM3", and what tells it from every other one, also on other
/// machines. Both are empty where there is none. Need a Runtime.
std::string device_name();
std::string device_identity();

}  // namespace otfleet::kernels

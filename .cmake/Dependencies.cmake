# Every outside library, found in one place. Debian package names stand in jobs/install.sh.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)

find_package(Kokkos REQUIRED)
include(KernelDependencies)
if(otfleet_missing)
  message(FATAL_ERROR "Not found: ${otfleet_missing}")
endif()
include(DeviceCompiler)

include(ParallelHdf5)

# Of two LibTorches on a machine, the parts of the one that was asked for: its own files would find
# libraries of the system first.
if(Torch_DIR AND NOT Caffe2_DIR AND EXISTS ${Torch_DIR}/../Caffe2/Caffe2Config.cmake)
  set(Caffe2_DIR ${Torch_DIR}/../Caffe2)
  get_filename_component(torch_prefix ${Torch_DIR}/../../.. ABSOLUTE)
  list(PREPEND CMAKE_PREFIX_PATH ${torch_prefix})
endif()
# One for CUDA would run a program to see which GPUs this machine has, unless it is told. It asks for the
# flags of CUDA sources, of which we give it none.
if(OTFLEET_CUDA AND NOT DEFINED TORCH_CUDA_ARCH_LIST AND NOT DEFINED ENV{TORCH_CUDA_ARCH_LIST})
  set(TORCH_CUDA_ARCH_LIST 9.0)
endif()
find_package(Torch REQUIRED)
add_library(otfleet_torch INTERFACE)
target_link_libraries(otfleet_torch INTERFACE ${TORCH_LIBRARIES})
target_include_directories(otfleet_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
if(TARGET torch_cuda)
  # What LibTorch's own libraries need (NVSHMEM, cuDNN) they find at run time, by paths of their own.
  target_link_options(otfleet_torch INTERFACE LINKER:--allow-shlib-undefined)
endif()

find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(LEMON REQUIRED NAMES LEMON lemon)

if(OTFLEET_NCCL)
  find_package(CUDAToolkit REQUIRED)
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} REQUIRED)
  find_library(NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR} REQUIRED)
endif()

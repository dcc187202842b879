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

include(LibTorch)

find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(LEMON REQUIRED NAMES LEMON lemon)

if(OTFLEET_NCCL)
  find_package(CUDAToolkit REQUIRED)
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} REQUIRED)
  find_library(NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR} REQUIRED)
endif()

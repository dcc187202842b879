# LibTorch, as the target otfleet_torch: the one that CMake finds, or the CPU's part of the one in OTFLEET_TORCH, which is
# taken as it lies there: the CMake package of a LibTorch for CUDA would want the CUDA toolkit.
set(OTFLEET_TORCH "" CACHE PATH
    "A LibTorch 2 instead of the installed one, for CPUs: Python's site-packages/torch, or an unpacked libtorch")

add_library(otfleet_torch INTERFACE)
if(OTFLEET_TORCH)
  if(OTFLEET_CUDA)
    message(FATAL_ERROR "OTFLEET_TORCH is for CPUs: in a build for CUDA, name ${OTFLEET_TORCH}/share/cmake/Torch as Torch_DIR")
  endif()
  set(torch_cpu ${OTFLEET_TORCH}/lib/libtorch_cpu.so)
  set(torch_package ${OTFLEET_TORCH}/share/cmake/Torch)
  foreach(part ${torch_cpu} ${OTFLEET_TORCH}/include/torch/csrc/api/include/torch/torch.h
               ${torch_package}/TorchConfig.cmake ${torch_package}/TorchConfigVersion.cmake)
    if(NOT EXISTS ${part})
      message(FATAL_ERROR "OTFLEET_TORCH is ${OTFLEET_TORCH}, but there is no ${part}")
    endif()
  endforeach()
  file(STRINGS ${torch_package}/TorchConfig.cmake torch_strings REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(torch_strings)
    message(FATAL_ERROR "The LibTorch in ${OTFLEET_TORCH} has the strings of GCC 4 (_GLIBCXX_USE_CXX11_ABI=0): take 2.7 or newer")
  endif()
  include(${torch_package}/TorchConfigVersion.cmake)
  set(Torch_VERSION ${PACKAGE_VERSION})
  target_include_directories(otfleet_torch SYSTEM INTERFACE
    ${OTFLEET_TORCH}/include ${OTFLEET_TORCH}/include/torch/csrc/api/include)
  target_link_libraries(otfleet_torch INTERFACE ${torch_cpu} ${OTFLEET_TORCH}/lib/libc10.so)
  set(torch_finds_libraries ON)
  message(STATUS "LibTorch ${Torch_VERSION}: ${OTFLEET_TORCH}")
else()
  # Of two LibTorches on a machine, the parts of the one that was asked for: its own files would find
  # libraries of the system first.
  if(Torch_DIR AND NOT Caffe2_DIR AND EXISTS ${Torch_DIR}/../Caffe2/Caffe2Config.cmake)
    set(Caffe2_DIR ${Torch_DIR}/../Caffe2)
    get_filename_component(torch_prefix ${Torch_DIR}/../../.. ABSOLUTE)
    list(PREPEND CMAKE_PREFIX_PATH ${torch_prefix})
  endif()
  # One for CUDA would run a program to see which GPUs this machine has, unless it is told. It asks for the
  # flags of CUDA sources, of which we give it none.
  if(NOT DEFINED TORCH_CUDA_ARCH_LIST AND NOT DEFINED ENV{TORCH_CUDA_ARCH_LIST})
    set(TORCH_CUDA_ARCH_LIST 9.0)
  endif()
  find_package(Torch REQUIRED)
  target_link_libraries(otfleet_torch INTERFACE ${TORCH_LIBRARIES})
  target_include_directories(otfleet_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  set(torch_finds_libraries OFF)
  if(TARGET torch_cuda)
    set(torch_finds_libraries ON)
  endif()
endif()
if(torch_finds_libraries)
  # What LibTorch's own libraries need (CUDA's runtime, NVSHMEM, cuDNN) they find at run time, by paths of their own.
  target_link_options(otfleet_torch INTERFACE LINKER:--allow-shlib-undefined)
endif()

# A Kokkos for CUDA: nvcc compiles what links Kokkos::kokkos, the host's compiler all else. Kokkos itself
# sees to that: it has every command go through its kokkos_launch_compiler, which hands those with
# -DKOKKOS_DEPENDENCE on to the compiler that Kokkos was built with.
set(OTFLEET_CUDA OFF)
if("CUDA" IN_LIST Kokkos_DEVICES)
  set(OTFLEET_CUDA ON)
endif()
if(NOT OTFLEET_CUDA)
  return()
endif()

if(CMAKE_CXX_COMPILER MATCHES "nvcc[^/]*$")
  message(FATAL_ERROR
    "CMAKE_CXX_COMPILER is ${CMAKE_CXX_COMPILER}: set it to the host's compiler (g++, in a build folder "
    "that is empty). Kokkos hands what has kernels on to nvcc; toml++ and LibTorch do not pass nvcc.")
endif()
if(Kokkos_COMPILE_LANGUAGE STREQUAL "CUDA")
  message(FATAL_ERROR
    "Kokkos was built with Kokkos_ENABLE_COMPILE_AS_CMAKE_LANGUAGE=ON, which otfleet's build does not "
    "know: build Kokkos without it")
endif()
if(Kokkos_VERSION VERSION_LESS 4.5)
  message(FATAL_ERROR "Kokkos ${Kokkos_VERSION}: for CUDA otfleet needs Kokkos 4.5 or newer")
endif()

get_property(launch_rule GLOBAL PROPERTY RULE_LAUNCH_COMPILE)
separate_arguments(launch_rule)
list(LENGTH launch_rule words)
if(NOT words EQUAL 3)
  # Clang compiles CUDA itself.
  return()
endif()
if("CUDA_RELOCATABLE_DEVICE_CODE" IN_LIST Kokkos_OPTIONS)
  message(FATAL_ERROR
    "Kokkos was built with Kokkos_ENABLE_CUDA_RELOCATABLE_DEVICE_CODE=ON, which otfleet does not need and "
    "its build does not know: build Kokkos without it")
endif()
set_property(GLOBAL PROPERTY RULE_LAUNCH_LINK "bash ${CMAKE_CURRENT_LIST_DIR}/link_without_nvcc.sh")
# kokkos_launch_compiler DEVICE_COMPILER HOST_COMPILER. With ccache in front of the compiler it would not
# know the compiler again, and nvcc would get nothing; our script knows both.
set(OTFLEET_DEVICE_LAUNCHER ${launch_rule})
list(GET launch_rule 1 OTFLEET_DEVICE_COMPILER)
message(STATUS "Kernels are compiled by ${OTFLEET_DEVICE_COMPILER}, the rest by ${CMAKE_CXX_COMPILER}")
set(CMAKE_CXX_COMPILER_LAUNCHER "")
if(CCACHE_PROGRAM)
  set_property(GLOBAL PROPERTY RULE_LAUNCH_COMPILE
    "bash ${CMAKE_CURRENT_LIST_DIR}/compile_with_ccache.sh ${CCACHE_PROGRAM} ${OTFLEET_DEVICE_COMPILER}")
endif()

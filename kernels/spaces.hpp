#pragma once
#include <Kokkos_Macros.hpp>

// The execution spaces that kernels are compiled for. A new one is a line and a block here.

/// Calls the macro M(Space, ...) for each space: Kokkos's default one, and with OTFLEET_ALL_SPACES
/// every other one of the host. In a build for CUDA those compute with packs of one number: a
/// reference on the same machine, not a fast one.
#define OTFLEET_FOR_EACH_SPACE(M, ...)                            \
  OTFLEET_IF_SERIAL(M(Kokkos::Serial __VA_OPT__(, ) __VA_ARGS__)) \
  OTFLEET_IF_OPENMP(M(Kokkos::OpenMP __VA_OPT__(, ) __VA_ARGS__)) \
  OTFLEET_IF_CUDA(M(Kokkos::Cuda __VA_OPT__(, ) __VA_ARGS__))

#if defined(KOKKOS_ENABLE_SERIAL) && \
    (defined(OTFLEET_ALL_SPACES) ||  \
     (!defined(KOKKOS_ENABLE_OPENMP) && !defined(KOKKOS_ENABLE_CUDA)))
#define OTFLEET_IF_SERIAL(...) __VA_ARGS__
#else
#define OTFLEET_IF_SERIAL(...)
#endif

#if defined(KOKKOS_ENABLE_OPENMP) && (defined(OTFLEET_ALL_SPACES) || !defined(KOKKOS_ENABLE_CUDA))
#define OTFLEET_IF_OPENMP(...) __VA_ARGS__
#else
#define OTFLEET_IF_OPENMP(...)
#endif

#ifdef KOKKOS_ENABLE_CUDA
#define OTFLEET_IF_CUDA(...) __VA_ARGS__
#else
#define OTFLEET_IF_CUDA(...)
#endif

#if !defined(KOKKOS_ENABLE_SERIAL) && !defined(KOKKOS_ENABLE_OPENMP)
#error "Kokkos has neither Serial nor OpenMP: build it with one of them, or add its host space here"
#endif
#if defined(KOKKOS_ENABLE_HIP) || defined(KOKKOS_ENABLE_SYCL) || defined(KOKKOS_ENABLE_THREADS) || \
    defined(KOKKOS_ENABLE_HPX) || defined(KOKKOS_ENABLE_OPENMPTARGET)
#error "Kokkos has a space that kernels are not compiled for: add it here"
#endif

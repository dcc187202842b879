#!/usr/bin/env bash
# compile_for_cuda.sh: compiles every source of kernels/ with nvcc, in build/cuda-kernels, where nvcc and a
# Kokkos and KokkosKernels for CUDA are found (Kokkos_ROOT and KokkosKernels_ROOT, or CMAKE_PREFIX_PATH);
# where not, it says what is missing and ends with 0. Links and runs nothing: no GPU is needed. The
# architecture is that of Kokkos (Kokkos_ARCH_HOPPER90: sm_90).
#
# CUDA_JOBS: compilers at a time, all processors unless said otherwise; each takes up to 2 GiB.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

leave() {
  echo "jobs/compile_for_cuda.sh: kernels are not compiled for CUDA: $*" >&2
  exit 0
}
command -v nvcc >/dev/null || leave "nvcc is not on the PATH"
folder=$root/build/cuda-kernels
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A project without anything but Kokkos says whether there is one, before a configuration that would fail
# for other reasons, too.
probe=$(mktemp -d)
trap 'rm -rf "$log" "$probe"' EXIT
cat >"$probe/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(probe LANGUAGES CXX)
find_package(Kokkos REQUIRED)
if(NOT "CUDA" IN_LIST Kokkos_DEVICES)
  message(FATAL_ERROR "Kokkos in ${Kokkos_DIR} is not built for CUDA")
endif()
find_package(KokkosKernels REQUIRED)
END
cmake -S "$probe" -B "$probe/build" >"$log" 2>&1 ||
  leave "no Kokkos and KokkosKernels for CUDA are found (Kokkos_ROOT, KokkosKernels_ROOT)"

cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOTFLEET_NCCL=OFF -DOTFLEET_WERROR=OFF -DOTFLEET_TESTS=OFF \
  -DOTFLEET_BENCHMARKS=OFF >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
cmake --build "$folder" --target otfleet_kernels -j "${CUDA_JOBS:-$(nproc)}"

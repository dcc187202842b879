#!/usr/bin/env bash
# compile_with_ccache.sh CCACHE DEVICE_COMPILER COMPILER ARGUMENTS…: runs COMPILER, or DEVICE_COMPILER in
# its place where the arguments say that the source has kernels, through CCACHE. What Kokkos'
# kokkos_launch_compiler does, which knows no ccache.
ccache=$1 device_compiler=$2 compiler=$3
shift 3
for argument; do
  if [ "$argument" = -DKOKKOS_DEPENDENCE ]; then
    # nvcc_wrapper asks here for the compiler of the host's half. It is a script: what it calls is of no
    # account to ccache unless we say so.
    export NVCC_WRAPPER_DEFAULT_COMPILER=${NVCC_WRAPPER_DEFAULT_COMPILER:-$compiler}
    CCACHE_EXTRAFILES=$(command -v "$NVCC_WRAPPER_DEFAULT_COMPILER"):$(command -v nvcc)
    export CCACHE_EXTRAFILES
    compiler=$device_compiler
    break
  fi
done
exec "$ccache" "$compiler" "$@"

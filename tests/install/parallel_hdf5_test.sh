#!/bin/bash
# parallel_hdf5_test.sh REPOSITORY CMAKE: a build folder that has found an HDF5 without MPI finds one with MPI once it
# is there. The HDF5 without MPI is this machine's headers with another H5pubconf.h.
set -euo pipefail
repository=$1 cmake=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir -p "$folder/project" "$folder/serial"
cat >"$folder/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(trial LANGUAGES C)
find_package(MPI REQUIRED COMPONENTS C)
list(APPEND CMAKE_MODULE_PATH $repository/.cmake)
include(ParallelHdf5)
message(STATUS "include=\${HDF5_INCLUDE_DIRS} library=\${HDF5_C_LIBRARIES}")
END
configure() {
  "$cmake" -S "$folder/project" -B "$folder/build" "$@" >"$folder/log" 2>&1
}
fail() {
  cat "$folder/log"
  echo "$*"
  exit 1
}

configure || fail "no HDF5 with MPI is found here"
include=$(sed -n 's/.*include=\([^; ]*\).*/\1/p' "$folder/log")
library=$(sed -n 's/.*library=\([^; ]*\).*/\1/p' "$folder/log")
cp -r "$include" "$folder/serial/include"
mkdir "$folder/serial/lib"
cp -L "$library" "$folder/serial/lib/libhdf5.so"
sed -i '/H5_HAVE_PARALLEL/d' "$folder/serial/include/H5pubconf.h"

rm -rf "$folder/build"
if configure -D HDF5_ROOT="$folder/serial" -D HDF5_NO_FIND_PACKAGE_CONFIG_FILE=ON; then
  fail "an HDF5 without MPI was taken"
fi
grep -q "No HDF5 with MPI was found" "$folder/log" || fail "the refusal does not say why"
configure -U HDF5_ROOT || fail "the folder still holds on to the HDF5 without MPI"
! grep -q "$folder/serial" "$folder/log" || fail "the HDF5 without MPI was taken in the end"

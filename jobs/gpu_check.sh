#!/usr/bin/env bash
# Makes a folder that checks otfleet on a machine with a GPU where nothing can be built: the program,
# its tests and benchmarks, stripped, with what they need of this machine's libraries. That machine
# needs a driver and PyTorch for CUDA (its libraries, of the version built with, and those of CUDA that
# it brings: cuBLAS, cudart, NCCL).
#
#   bash jobs/gpu_check.sh [--no-archive] [BUILD_FOLDER [BUNDLE]]
#                                            default: build/cuda, build/gpu-bundle and .tar.xz beside it
#
# There: ./gpu_check OUTPUT_DIR, four minutes at most; see jobs/gpu_check/gpu_check. What of the tests
# and benchmarks is not built is left out, and said.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

archive=yes
if [ "${1:-}" = --no-archive ]; then
  archive=no
  shift
fi
build=$(realpath "${1:-$root/build/cuda}")
bundle=$(realpath -m "${2:-$root/build/gpu-bundle}")
most_bytes=$((40 * 1024 * 1024))

fail() {
  echo "jobs/gpu_check.sh: $*" >&2
  exit 2
}
[ -x "$build/otfleet" ] || fail "$build/otfleet is missing: cmake --preset cuda && cmake --build --preset cuda"
# Never what is not ours.
[ ! -e "$bundle" ] || [ -f "$bundle/gpu_check" ] || fail "$bundle is there and is no bundle: remove it, or name another"
rm -rf "$bundle"
mkdir -p "$bundle"/{bin,tests,benchmarks,lib,inputs}

take() {
  local folder=$1 file
  shift
  for file; do
    cp -L "$file" "$bundle/$folder/"
    strip "$bundle/$folder/$(basename "$file")"
  done
}
take bin "$build/otfleet" "$build/otfleet_networks.so" # which it loads for models

# Tests of the kernels, and those of training that one or two ranks make sense of. For CUDA the former are one
# program, which runs those of one source at a time.
kernel_tests=() parts=() others=() missing=()
all_in_one=$build/tests/kernels/kernel_tests_Cuda
if [ -x "$all_in_one" ]; then
  take bin "$all_in_one"
  mapfile -t parts <"$all_in_one.list"
fi
for source in "$root"/tests/kernels/*_test.cpp; do
  name=$(basename "$source" .cpp)
  if [ -x "$build/tests/kernels/$name" ]; then
    kernel_tests+=("$build/tests/kernels/$name")
  elif [[ " ${parts[*]} " != *" $name "* ]]; then
    missing+=("$name")
  fi
done
for program in distributed/nccl_averager_test src/gradient_averaging_test; do
  [ ! -x "$build/tests/$program" ] || others+=("$build/tests/$program")
done
take tests "${kernel_tests[@]}" "${others[@]}"
benchmarks=()
for name in sinkhorn newton cloud conjugate; do
  [ ! -x "$build/${name}_benchmark" ] || benchmarks+=("$build/${name}_benchmark")
done
take benchmarks "${benchmarks[@]}"

cp "$root"/inputs/{digits,spherical,plane}.toml "$root"/inputs/{digits,world}.h5 "$bundle/inputs/"
cp "$root/jobs/gpu_check/gpu_check" "$bundle/"

# Open MPI as it is installed here, without the plugins for networks and batch systems: ranks of one
# machine talk through its memory.
command -v ompi_info >/dev/null || fail "ompi_info is missing: only Open MPI can be taken along"
mpirun=$(readlink -f "$(command -v mpirun)")
mpi_folder() {
  ompi_info --parsable --path "$1" | cut -d: -f3
}
plugins=$(mpi_folder pkglibdir)
mkdir -p "$bundle/lib/openmpi" "$bundle/share/openmpi" "$bundle/lib/pmix"
cp -L "$mpirun" "$bundle/bin/mpirun"
cp -L "$(command -v orted)" "$bundle/bin/orted"
for plugin in "$plugins"/mca_*.so; do
  case $(basename "$plugin" .so) in
    *_ofi | *_ucx | *_openib | *_psm | *_psm2 | *_flux | *_slurm | *_gridengine | *_jsm | *_monitoring) ;;
    *_btl_sm | mca_memheap_* | mca_s*hmem_*ucx | mca_scoll_* | mca_spml_* | mca_crs_* | mca_compress_*) ;;
    *) cp -L "$plugin" "$bundle/lib/openmpi/" ;;
  esac
done
cp -r "$(mpi_folder pkgdatadir)/." "$bundle/share/openmpi/"
for folder in "$(dirname "$(ldconfig -p | awk '/libpmix\.so\.2/ {print $NF; exit}')")"/pmix*/lib/pmix; do
  [ ! -d "$folder" ] || cp -L "$folder"/*.so "$bundle/lib/pmix/"
done

# Libraries, from the programs on: not those of the C library and of GCC, which are the machine's, nor
# the driver's, CUDA's and PyTorch's, whose own needs are none of ours either.
provided='^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|anl)|libstdc\+\+|libgcc_s|libgomp|libquadmath|linux-vdso'
provided+='|libcuda|libcudart|libcublas(Lt)?|libcu(fft|rand|solver|sparse|file|pti|dnn.*|sparseLt)|libnv.*|libnccl'
provided+='|libtorch.*|libc10.*|libcaffe2.*|libshm)\.so'
mapfile -t pending < <(find "$bundle"/{bin,tests,benchmarks,lib} -type f)
declare -A where
while read -r name path; do
  where[$name]=$path
done < <(ldd "${pending[@]}" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $1, $3}' | sort -u)
declare -A taken
while [ ${#pending[@]} -gt 0 ]; do
  file=${pending[-1]}
  unset 'pending[-1]'
  while read -r name; do
    [[ $name =~ $provided ]] && continue
    [ -z "${taken[$name]:-}" ] || continue
    taken[$name]=yes
    path=${where[$name]:-}
    [ -n "$path" ] || fail "$name, which $(basename "$file") needs, is not found on this machine"
    cp -L "$path" "$bundle/lib/$name"
    strip --strip-unneeded "$bundle/lib/$name" 2>/dev/null || true
    pending+=("$bundle/lib/$name")
  done < <(objdump -p "$file" | awk '$1 == "NEEDED" {print $2}')
done

# Not asked of the program: without a driver one for CUDA does not start.
source "$build/build_info" # space, kokkos, torch, compiler
revision=$(sed -n 's/^#define OTFLEET_REVISION "\(.*\)"/\1/p' "$build/src/generated/otfleet_revision.hpp")
{
  cat "$build/build_info"
  echo "revision=$revision"
} >"$bundle/built"

for part in "${parts[@]}"; do
  printf '#!/bin/sh\nexec "$(dirname "$0")/../bin/kernel_tests_Cuda" --of=%s "$@"\n' "$part" \
    >"$bundle/tests/${part}_Cuda"
  chmod +x "$bundle/tests/${part}_Cuda"
done

echo "$bundle: for $space, $((${#kernel_tests[@]} + ${#parts[@]})) kernel tests, ${#benchmarks[@]} benchmarks," \
  "${#taken[@]} libraries, $(du -sm "$bundle" | cut -f1) MiB"
[ ${#missing[@]} -eq 0 ] || echo "jobs/gpu_check.sh: not built, left out: ${missing[*]}" >&2
[ ${#benchmarks[@]} -eq 4 ] || echo "jobs/gpu_check.sh: $((4 - ${#benchmarks[@]})) benchmarks are not built and were left out" >&2
if [ "$archive" = yes ]; then
  # One stream with a large window: tests share most of their code.
  tar -C "$(dirname "$bundle")" -c "$(basename "$bundle")" |
    xz --lzma2=preset=6,dict=512MiB --memlimit-compress=8GiB >"$bundle.tar.xz"
  bytes=$(stat -c %s "$bundle.tar.xz")
  echo "$bundle.tar.xz: $((bytes / 1024)) KiB"
  [ "$bytes" -le "$most_bytes" ] || fail "$bundle.tar.xz is larger than 40 MiB"
fi

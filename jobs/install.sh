#!/usr/bin/env bash
# Installs the packages that otfleet is built from, on Debian 12 or newer. Prints what is missing
# first, uses sudo only when not root, and does nothing when all is there.
#
#   bash jobs/install.sh [--slurm] [further packages]
#
# --slurm: also what the tests start a SLURM cluster of their own with; without it they are skipped.
set -euo pipefail

slurm=()
if [ "${1:-}" = --slurm ]; then
  slurm=(slurm-wlm munge python3)
  shift
fi

packages=(
  # what builds it
  g++ cmake ninja-build git ccache
  # ranks and files
  openmpi-bin libopenmpi-dev libhdf5-openmpi-dev
  # kernels
  libtrilinos-kokkos-dev libtrilinos-kokkos-kernels-dev libsleef-dev
  # learning; OpenBLAS in its pthread build makes LibTorch's products 15 times faster
  libtorch-dev libopenblas-pthread-dev
  # exact distances between clouds
  liblemon-dev
  # job files, command line, log, reports, pictures
  libtomlplusplus-dev libcli11-dev libspdlog-dev nlohmann-json3-dev zlib1g-dev libpng-dev libjpeg-dev gnuplot-nox
  # tests and benchmarks
  libgtest-dev libbenchmark-dev python3-h5py python3-numpy python3-venv
  "${slurm[@]}"
  "$@"
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing from the distribution: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "jobs/install.sh: run as root, or install sudo" >&2; exit 1; }
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/usr/bin/env bash
# Installs what is missing, builds what quickstart.sh has not built, compiles the kernels for CUDA where that can
# be, and runs every test.
#
#   bash jobs/test.sh [ctest arguments]         for example: -L unit, -R sinkhorn
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bash "$root/jobs/install.sh"
bash "$root/jobs/install.sh" --slurm ||
  echo "jobs/test.sh: SLURM cannot be installed; the tests labeled slurm will be skipped" >&2
build release
bash "$root/jobs/compile_for_cuda.sh"
ctest --test-dir "$root/build/release" --output-on-failure --parallel "$(nproc)" "$@"

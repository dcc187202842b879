#!/usr/bin/env bash
# Installs what is missing, builds with warnings as errors, and runs every test.
#
#   bash jobs/test.sh [ctest arguments]         for example: -L unit, -R sinkhorn
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bash "$root/jobs/install.sh"
build ci
ctest --test-dir "$root/build/release" --output-on-failure --parallel "$(nproc)" "$@"

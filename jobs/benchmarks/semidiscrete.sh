#!/usr/bin/env bash
# Noise to digits in 784 coordinates, beside OTT-JAX on the same points. As JSON on standard output.
#
#   bash jobs/benchmarks/semidiscrete.sh OUTPUT_DIR IMAGES DATASET [--smoke]        half an hour
#
# IMAGES is an HDF5 file, DATASET its images [N, 28, 28], all of which are points (of OTT-JAX the first 10,000 alone). OUTPUT_DIR,
# which must not have files yet, keeps populations, solutions and a Python with the packages. --smoke: 500 of them, to see
# that it runs. In the environment: OTFLEET, the program (default: the repository's, built first); SEMIDISCRETE_PYTHON, a
# folder whose venv/ is used and kept (default: OUTPUT_DIR).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 3 ] && [[ $1 != -* ]] || { sed -n '4p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2; }
new_output "$1"
images=$(realpath "$2")
dataset=$3
shift 3
python=${SEMIDISCRETE_PYTHON:-$output}
if [ -z "${OTFLEET:-}" ]; then
  bash "$root/jobs/install.sh"
  build release otfleet
fi
python_with "$python" "$here/semidiscrete/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 "$python/venv/bin/python" "$here/semidiscrete" "$output" --otfleet "${OTFLEET:-$otfleet}" \
  --images "$images" --dataset "$dataset" "$@"

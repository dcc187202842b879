#!/usr/bin/env bash
# Maps from plans with elastic costs, whose true maps are known, beside OTT-JAX on the same samples: errors at new points,
# coordinates that stay, seconds; and progressive maps between Gaussians beside entropic ones whose epsilon was searched.
# As JSON on standard output.
#
#   bash jobs/benchmarks/plan_maps.sh OUTPUT_DIR [--smoke]        about four minutes
#
# OUTPUT_DIR, which must not have files yet, keeps populations, solutions and a Python with the packages. --smoke: few
# points, to see that it runs. In the environment: OTFLEET, the program (default: the repository's, built first);
# PLAN_MAPS_PYTHON, a folder whose venv/ is used and kept (default: OUTPUT_DIR).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 1 ] && [[ $1 != -* ]] || { sed -n '5p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2; }
new_output "$1"
shift
python=${PLAN_MAPS_PYTHON:-$output}
if [ -z "${OTFLEET:-}" ]; then
  bash "$root/jobs/install.sh"
  build release otfleet
fi
python_with "$python" "$here/plan_maps/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 "$python/venv/bin/python" "$here/plan_maps" "$output" --otfleet "${OTFLEET:-$otfleet}" "$@"

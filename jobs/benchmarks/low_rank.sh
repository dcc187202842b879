#!/usr/bin/env bash
# Plans of low rank between large clouds, beside OTT-JAX on the same clouds. As JSON on standard output.
#
#   bash jobs/benchmarks/low_rank.sh OUTPUT_DIR [--shapes] [--smoke]        twenty minutes
#
# OUTPUT_DIR, which must not have files yet, keeps populations, solutions and a Python with the packages. --shapes: the
# objective of Gromov–Wasserstein problems alone. --smoke: small pairs, to see that it runs. In the environment: OTFLEET,
# the program (default: the repository's, built first); LOW_RANK_PYTHON, a folder whose venv/ is used and kept
# (default: OUTPUT_DIR).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 1 ] && [[ $1 != -* ]] || { sed -n '4p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2; }
new_output "$1"
shift
python=${LOW_RANK_PYTHON:-$output}
if [ -z "${OTFLEET:-}" ]; then
  bash "$root/jobs/install.sh"
  build release otfleet
fi
python_with "$python" "$here/low_rank/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 "$python/venv/bin/python" "$here/low_rank" "$output" --otfleet "${OTFLEET:-$otfleet}" \
  --photos "$root/inputs/photos" "$@"

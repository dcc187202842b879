#!/usr/bin/env bash
# Sliced and max-sliced distances between many pairs of clouds, beside POT on the same pairs. As JSON on standard output.
#
#   bash jobs/benchmarks/sliced.sh OUTPUT_DIR [--smoke]        about two minutes
#
# OUTPUT_DIR, which must not have files yet, keeps populations, solutions and a Python with the packages. --smoke: few
# pairs, to see that it runs. In the environment: OTFLEET, the program (default: the repository's, built first);
# SLICED_PYTHON, a folder whose venv/ is used and kept (default: OUTPUT_DIR).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 1 ] && [[ $1 != -* ]] || { sed -n '4p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2; }
new_output "$1"
shift
python=${SLICED_PYTHON:-$output}
if [ -z "${OTFLEET:-}" ]; then
  bash "$root/jobs/install.sh"
  build release otfleet
fi
python_with "$python" "$here/sliced/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 "$python/venv/bin/python" "$here/sliced" "$output" --otfleet "${OTFLEET:-$otfleet}" "$@"

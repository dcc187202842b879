#!/usr/bin/env bash
# Gromov–Wasserstein distances between handwritten digits that were turned and mirrored at random: nearest neighbors beside
# those by Wasserstein-2, and the same problems by POT and OTT-JAX. As JSON on standard output.
#
#   bash jobs/benchmarks/gromov_wasserstein.sh OUTPUT_DIR [--smoke]        about ten minutes
#
# OUTPUT_DIR, which must not have files yet, keeps populations, solutions and a Python with the packages. --smoke: few
# digits, to see that it runs. In the environment: OTFLEET, the program (default: the repository's, built first);
# GROMOV_PYTHON, a folder whose venv/ is used and kept (default: OUTPUT_DIR).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 1 ] && [[ $1 != -* ]] || { sed -n '5p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2; }
new_output "$1"
shift
python=${GROMOV_PYTHON:-$output}
if [ -z "${OTFLEET:-}" ]; then
  bash "$root/jobs/install.sh"
  build release otfleet
fi
python_with "$python" "$here/gromov_wasserstein/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 "$python/venv/bin/python" "$here/gromov_wasserstein" "$output" \
  --otfleet "${OTFLEET:-$otfleet}" "$@"

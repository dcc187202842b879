#!/usr/bin/env bash
# How near conditional maps come to those of problems that were not seen, as JSON on standard output: by potentials and
# flows that see the context, by one map for all problems, and by a map trained for a problem alone.
#
#   bash jobs/benchmarks/conditional_maps.sh OUTPUT_DIR [--minutes M] [--task NAME] [--smoke] [--cmonge PYTHON]
#
# OUTPUT_DIR, which must not have files yet, keeps populations, models and reports. M (default 1) minutes of training
# for each of eight models of each of three tasks (inputs/make_conditions.py: gaussians, cells, digits; --task: of one);
# --smoke: a few seconds each, to see that it runs. --cmonge: also the conditional Monge gap of cmonge (0.1.3, of PyPI)
# on gaussians and cells, on one thread; PYTHON, 3.10 or 3.11, has that package. In the environment: RANKS (default 2);
# BUILD, the folder of the programs (default: the repository's release build, built first); CONDITIONAL_PYTHON, a folder
# whose venv/ is used and kept (default: OUTPUT_DIR).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 1 ] && [[ $1 != -* ]] || { sed -n '5p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2; }
new_output "$1"
shift
study_maps conditional_maps "${CONDITIONAL_PYTHON:-$output}" "$@"

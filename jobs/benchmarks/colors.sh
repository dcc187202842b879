#!/usr/bin/env bash
# What a model of color transfer is worth: alone, tuned on every pair, and beside methods without a model, as JSON on
# standard output; and a contact sheet of recolored images, OUTPUT_DIR/sheet.jpg.
#
#   bash jobs/benchmarks/colors.sh OUTPUT_DIR IMAGES [--minutes M] [--smoke]
#
# IMAGES is a folder of PNG or JPEG images; of those that are not gray every third is held out. OUTPUT_DIR, which must not
# have files yet, keeps populations, models and reports. M (default 10) minutes of training; --smoke: a few seconds, to see
# that it runs. In the environment: RANKS (default 2); BUILD, the folder of the programs (default: the repository's release
# build, built first); COLORS_PYTHON, a folder whose venv/ is used and kept (default: OUTPUT_DIR).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

[ $# -ge 2 ] && [[ $1 != -* && $2 != -* ]] || { sed -n '5p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2; }
[ -d "$2" ] || { echo "$2: no such folder of images" >&2; exit 2; }
images=$(cd "$2" && pwd)
new_output "$1"
shift 2
study_maps colors "${COLORS_PYTHON:-$output}" "$images" "$@"

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
output=$1 images=$2
shift 2
if [ -e "$output" ] && [ -n "$(ls -A "$output" 2>&1)" ]; then
  echo "$output: has files, or is none itself; name a new folder" >&2
  exit 2
fi
[ -d "$images" ] || { echo "$images: no such folder of images" >&2; exit 2; }
mkdir -p "$output"
output=$(cd "$output" && pwd)
images=$(cd "$images" && pwd)
build=${BUILD:-}
if [ -z "$build" ]; then
  bash "$root/jobs/install.sh"
  build release otfleet
  build=$root/build/release
fi
python_with "${COLORS_PYTHON:-$output}" "$here/colors/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 "${COLORS_PYTHON:-$output}/venv/bin/python" "$here/colors" "$output" "$images" \
  --otfleet "$build/otfleet" --ranks "${RANKS:-2}" "$@"

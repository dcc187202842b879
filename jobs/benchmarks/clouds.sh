#!/usr/bin/env bash
# Figures of point clouds, each a file of JSON in OUTPUT_DIR, which must not have files yet:
#   METHOD-SHAPE-POINTS.json  two large clouds by the multiscale or the plain solver, judged (multiscale_benchmark)
#   passes.json               iterations on all pairs in 3 and 64 dimensions (cloud_benchmark)
#   models-TASK-EPSILON.json  starts with and without a model, and -multiscale the best solver without one (evaluate)
#   geomloss.json             GeomLoss's multiscale backend and otfleet's on the same clouds, at equal judged errors
#
#   bash jobs/benchmarks/clouds.sh OUTPUT_DIR            about two and a half hours
#   bash jobs/benchmarks/clouds.sh OUTPUT_DIR --smoke    the same on small clouds, to see that it runs: one minute, once packages are there
#
# In the environment: CLOUDS_FIGURES, a regular expression on the figures' names: others are left out;
# RANKS (default 2); BUILD, the folder of the programs (default: the repository's release build, built
# first); CLOUDS_PAINTINGS, a folder of PNG images for models-colors-*, which are left out without it;
# CLOUDS_PYTHON, a folder whose venv/ is used and kept (default: OUTPUT_DIR). The Python
# packages fill six gigabytes. On a machine with other work put `chrt -f 5` before it all.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/peers_setup.sh"

usage() {
  echo "usage: bash jobs/benchmarks/clouds.sh OUTPUT_DIR [--smoke]" >&2
  exit 2
}
smoke=false
case "$#:${2:-}" in
  1:) ;;
  2:--smoke) smoke=true ;;
  *) usage ;;
esac
case $1 in -*) usage ;; esac
ranks=${RANKS:-2}
new_output "$1"

# figure NAME COMMAND...: what it prints becomes OUTPUT_DIR/NAME.json.
figure() {
  local name=$1
  shift
  [[ $name =~ ${CLOUDS_FIGURES:-.} ]] || return 0
  echo "$name" >&2
  "$@" >"$output/$name.part"
  mv "$output/$name.part" "$output/$name.json"
}

# large_clouds METHOD SHAPE POINTS SHARE: to an L1 error of 1e-2, judged over a share of the rows.
large_clouds() {
  figure "$1-$2-$3" run_ranks "$ranks" "$build/multiscale_benchmark" "$2" "$3" 2.5e-3 1e-2 "$1" float "$4"
}

# Not a million points of the shape dense: the certificate alone takes more than an hour.
multiscale() {
  local points shape sizes=(100000 1000000)
  $smoke && sizes=(3000 10000)
  for shape in cube square spheres; do
    for points in "${sizes[@]}"; do
      large_clouds multiscale "$shape" "$points" 0.1
    done
  done
  large_clouds multiscale dense "${sizes[0]}" 0.1
}

plain_beside_multiscale() {
  local points=20000 method
  $smoke && points=2000
  for method in sinkhorn multiscale; do
    large_clouds "$method" cube "$points" 0.1
  done
}

passes() {
  local points=4096 options=()
  $smoke && options=(--benchmark_min_time=0.01)
  figure passes "$build/cloud_benchmark" --benchmark_format=json "${options[@]}" \
    --benchmark_filter="^squared_(float|double)/$points/"
}

# models_of TASK EPSILON [OVERRIDE...]: a model trained and compared with other starts, on measures apart.
models_of() {
  local name=models-$1-$2 task=$1 folder=$output/models-$1-$2 job=$here/cloud_models/models.toml part
  local more=(--set "problem.epsilon=$2" "${@:3}") small=()
  [[ $name =~ ${CLOUDS_FIGURES:-.} ]] || return 0
  $smoke && small=(--small) && more+=(--set train.minutes=0.05 --set 'evaluate.initializers=["zeros","model"]' --set 'evaluate.thresholds=[0.1]')
  [ "$task" != colors ] || small=("${CLOUDS_PAINTINGS}" "${small[@]}")
  python_with "${CLOUDS_PYTHON:-$output}" "$here/cloud_models/requirements.txt"
  "${CLOUDS_PYTHON:-$output}/venv/bin/python" "$here/cloud_models/make_clouds.py" "$task" "$folder/make" "${small[@]}"
  run_ranks "$ranks" "$build/otfleet" train "$job" --output "$folder/train" "${more[@]}" >&2
  # The times are those of one rank, alone.
  for part in "" -multiscale; do
    [ -z "$part" ] || more+=(--set solver.method=multiscale --set 'evaluate.initializers=["zeros"]')
    "$build/otfleet" evaluate "$job" --output "$folder/evaluate$part" "${more[@]}" >&2
    cp "$folder/evaluate$part/report.json" "$output/$name$part.json"
  done
}

models() {
  local epsilon epsilons=(1e-2 1e-3)
  $smoke && epsilons=(1e-2)
  for epsilon in "${epsilons[@]}"; do
    models_of digits "$epsilon"
    models_of cities "$epsilon" --set train.batch=16 --set model.architecture=mlp --set 'model.hidden=[512,512]'
    [ -z "${CLOUDS_PAINTINGS:-}" ] || models_of colors "$epsilon" --set train.batch=16
  done
}

geomloss() {
  [[ geomloss =~ ${CLOUDS_FIGURES:-.} ]] || return 0
  local options=(--points 100000)
  $smoke && options=(--points 3000 --rounds 1 --settings 1)
  python_with "${CLOUDS_PYTHON:-$output}" "$here/cloud_peers/requirements.txt"
  PYTHONDONTWRITEBYTECODE=1 "${CLOUDS_PYTHON:-$output}/venv/bin/python" "$here/cloud_peers" "$output" \
    --otfleet "$build/otfleet" --ranks "$ranks" "${options[@]}"
}

build=${BUILD:-}
if [ -z "$build" ]; then
  bash "$root/jobs/install.sh"
  build release otfleet multiscale_benchmark cloud_benchmark
  build=$root/build/release
fi

# Adding a figure takes a function above and its name here.
multiscale
plain_beside_multiscale
passes
models
geomloss

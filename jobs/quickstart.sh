#!/usr/bin/env bash
# From nothing to results: installs what is missing, builds, and runs the main job on the digits that
# come with the repository: make a population, train a model, solve held-out problems, compare.
#
#   bash jobs/quickstart.sh [OUTPUT_DIR]        default: quickstart-out
#
# RANKS (default 2) may be set in the environment. Training takes six minutes (train.minutes).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

output=${1:-quickstart-out}
ranks=${RANKS:-2}

bash "$root/jobs/install.sh"
build release otfleet

job=$root/inputs/digits.toml
"$otfleet" make "$job" --output "$output/make"
run_ranks "$ranks" "$otfleet" train "$job" --output "$output/train"
run_ranks "$ranks" "$otfleet" solve "$job" --output "$output/solve"
run_ranks "$ranks" "$otfleet" evaluate "$job" --output "$output/evaluate"
"$otfleet" report "$output"

cat <<EOF

Done. In $output:
  report.html                      all of it on one page, for a browser
  make/train.h5, make/test.h5      the populations
  train/model.h5                   the trained model;  train/training.png  its loss
  solve/solution.h5                potentials, costs, bounds, errors of every held-out problem
  solve/solution.png               the first of them, as solved
  evaluate/error_curves.png, evaluate/interpolation.png
  */report.json                    every figure, setting and version
Look into a file with: build/release/otfleet info $output/solve/solution.h5
EOF

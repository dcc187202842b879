#!/usr/bin/env bash
# From nothing to results: installs what is missing, builds, and runs the main job on the digits that
# come with the repository: train a model on 4,000 of them, solve all pairs of 300 others with it, and
# compare it with other starts.
#
#   bash jobs/quickstart.sh [OUTPUT_DIR]        default: quickstart-out
#
# RANKS (default 2) may be set in the environment. Training takes two minutes on two quiet cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

output=${1:-quickstart-out}
ranks=${RANKS:-2}

bash "$root/jobs/install.sh"
build release otfleet

job=$root/inputs/distances.toml
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
  solve/solution.h5                costs, bounds and errors of all pairs of 300 other digits
  solve/solution_matrix.npy        their costs as a distance matrix;  solution_matrix.h5  bounds, too
  solve/solution.png               the digits at their places in the plane
  evaluate/error_curves.png, evaluate/interpolation.png
  */report.json                    every figure, setting and version
Look into a file with: build/release/otfleet info $output/solve/solution.h5
EOF

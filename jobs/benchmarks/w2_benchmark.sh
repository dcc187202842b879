#!/usr/bin/env bash
# The Wasserstein-2 benchmark: trains a map in every dimension for which there is a file, scores it, and
# prints the table of L2-UVP. Writes OUTPUT_DIR/dim_D/{train,evaluate} and OUTPUT_DIR/w2_benchmark.md.
# A run that was ended goes on where it stood.
#
#   bash jobs/benchmarks/w2_benchmark.sh OUTPUT_DIR [D...]       default: 2 4 8 32 128
#
# In the environment: DATA, the folder of dim_D.h5 (default ../shared/data/w2benchmark beside the
# repository); RANKS (default 2); MINUTES of training a dimension (default 25); OPTIONS, further options
# of otfleet, separated by spaces; OTFLEET, the program (default: the repository's, built first).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

[ $# -ge 1 ] || { echo "usage: bash jobs/benchmarks/w2_benchmark.sh OUTPUT_DIR [D...]" >&2; exit 2; }
output=$1
shift
[ $# -gt 0 ] || set -- 2 4 8 32 128
data=${DATA:-$root/../shared/data/w2benchmark}
ranks=${RANKS:-2}

if [ -z "${OTFLEET:-}" ]; then
  bash "$root/jobs/install.sh"
  build release
fi
program=${OTFLEET:-$otfleet}

for dimension in "$@"; do
  file=$data/dim_$dimension.h5
  [ -f "$file" ] || { echo "$file: no such benchmark; set DATA" >&2; exit 2; }
  # All from the dimension. Widths twice it, as the networks behind the benchmark have them. In many
  # dimensions time is better spent on steps than on samples a step, and the potential is to be smooth.
  wide=$((2 * dimension > 128 ? 2 * dimension : 128))
  batch=$((dimension > 16 ? 256 : dimension > 4 ? 512 : 1024))
  activation=elu
  [[ "$dimension" -lt 16 || "${OPTIONS:-}" == *icnn* ]] || activation=silu  # which is not convex
  options=(--set "samples.benchmark=$file" --set "train.minutes=${MINUTES:-25}"
           --set train.learning_rate=1e-2
           --set "train.conjugate_tolerance=$(awk "BEGIN { print 0.02 * sqrt($dimension) }")"
           --set "train.batch=$batch" --set "model.activation=$activation"
           --set "model.hidden=[$wide,$wide,$((wide / 2))]" --set "model.predictor_hidden=[$wide,$wide]")
  read -ra more <<<"${OPTIONS:-}"
  for command in train evaluate; do
    folder=$output/dim_$dimension/$command
    [ -f "$folder/report.json" ] ||
      run_ranks "$ranks" "$program" "$command" "$root/inputs/w2_benchmark.toml" "${options[@]}" \
        "${more[@]}" --output "$folder"
  done
done

python3 - "$output" "$@" <<'PYTHON' | tee "$output/w2_benchmark.md"
import json
import pathlib
import sys

published = {2: 0.02, 4: 0.03, 8: 0.14, 16: 0.24, 32: 0.67, 64: 0.56, 128: 0.30, 256: 0.51}  # ENOT
print("| D | L2-UVP forward, % | published | backward, % | cosine forward, backward "
      "| steps, minutes | conjugate: steps, ms, converged | without prediction |")
print("|---|---|---|---|---|---|---|---|")
for dimension in map(int, sys.argv[2:]):
    folder = pathlib.Path(sys.argv[1]) / f"dim_{dimension}"
    train, score = (json.loads((folder / command / "report.json").read_text())
                    for command in ("train", "evaluate"))
    conjugate, plain = score["conjugate"], score["conjugate"]["without_prediction"]
    print(f"| {dimension} | {score['uvp_forward']:.2f} | {published.get(dimension, '')} "
          f"| {score['uvp_backward']:.2f} "
          f"| {score['cosine_forward']:.4f}, {score['cosine_backward']:.4f} "
          f"| {train['steps']:,}, {train['training_seconds'] / 60:.0f} "
          f"| {conjugate['iterations']:.1f}, {conjugate['milliseconds']:.3f}, "
          f"{100 * conjugate['converged']:.1f} % "
          f"| {plain['iterations']:.1f}, {plain['milliseconds']:.3f} |")
PYTHON
